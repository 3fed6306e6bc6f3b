import sharp from 'sharp';
import type { Reply } from '../../reply.ts';
import { foreignMarker } from './foreign.ts';
import { webpParts } from './formats/webp.ts';
import { latin1 } from './numbers.ts';
import { metadataMarker } from './samples.ts';

const maxSidePixels = 320;

/** The chunks of a WebP that contain pixels or their size. */
const pixelChunks = ['VP8 ', 'VP8L', 'VP8X', 'ALPH'];

/** Fetches the thumbnail of a reply by its URL. @returns everything that is wrong with it */
export const thumbnailProblems = async (
  { url, thumbnails }: Reply,
  timeoutMilliseconds: number,
): Promise<readonly string[]> => {
  const [stated] = Object.values(thumbnails);
  if (url === undefined || stated === undefined) return ['ready without a thumbnail'];
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMilliseconds) });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) return [`the thumbnail's URL replied ${response.status}`];
  try {
    const { format, width, height, pages, exif, icc, xmp, iptc, comments, orientation } =
      await sharp(bytes).metadata();
    // Decodes every pixel.
    await sharp(bytes, { failOn: 'warning' }).raw().toBuffer();
    const metadata = Object.entries({ exif, icc, xmp, iptc, comments, orientation, pages });
    const strangeChunks = webpParts.split(bytes).filter(({ type }) => !pixelChunks.includes(type));
    const type = response.headers.get('Content-Type');
    return [
      ...metadata.flatMap(([name, value]) => (value === undefined ? [] : [`the thumbnail has ${name}`])),
      ...strangeChunks.map((chunk) => `the thumbnail has a chunk ${chunk.type}`),
      ...[metadataMarker, foreignMarker].flatMap((marker) =>
        bytes.includes(latin1(marker)) ? [`the thumbnail holds ${marker}`] : [],
      ),
      ...(format === 'webp' && type === 'image/webp' && stated.contentType === type
        ? []
        : [`the thumbnail is ${format}, sent as ${type}`]),
      ...(width <= maxSidePixels && height <= maxSidePixels ? [] : [`the thumbnail is ${width} x ${height}`]),
      ...(stated.width === width && stated.height === height && stated.bytes === bytes.length
        ? []
        : ['the thumbnail has another size than the reply']),
    ];
  } catch (error) {
    return [`the thumbnail cannot be decoded: ${error}`];
  }
};
