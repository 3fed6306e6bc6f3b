import { ByteReader, requireThat, type Size } from './bytes.ts';

interface Chunk {
  readonly name: string;
  readonly data: Buffer;
}

/** What libwebp writes for one picture without metadata. "VP8X" and "ALPH" precede a lossy one with alpha. */
const layouts = ['VP8 ', 'VP8L', 'VP8X,ALPH,VP8 '];

/** "WebP Container Specification" (developers.google.com/speed/webp/docs/riff_container); RFC 9649. */
export const webpSize = (bytes: Uint8Array): Size => {
  const reader = new ByteReader(bytes);
  reader.expect('RIFF', 'it is not a WebP');
  const length = reader.uintLittleEndian(4);
  requireThat(
    length === reader.remaining,
    `its RIFF size is ${length}, and ${reader.remaining} bytes follow`,
  );
  reader.expect('WEBP', 'it is not a WebP');
  const chunks: Chunk[] = [];
  while (reader.remaining > 0) {
    requireThat(chunks.length < 3, 'it has more than three chunks');
    chunks.push(readChunk(reader));
  }
  const layout = chunks.map(({ name }) => name).join();
  requireThat(layouts.includes(layout), `its chunks are ${layout}`);
  const find = (wanted: string) => chunks.find(({ name }) => name === wanted)?.data;
  const [lossless, lossy, extended, alpha] = ['VP8L', 'VP8 ', 'VP8X', 'ALPH'].map(find);
  if (lossless) return losslessSize(lossless);
  requireThat(lossy !== undefined, 'it has no picture');
  const size = lossySize(lossy);
  if (extended && alpha) {
    checkExtended(extended, size);
    checkAlpha(alpha, size);
  }
  return size;
};

const readChunk = (reader: ByteReader): Chunk => {
  const name = reader.name();
  const length = reader.uintLittleEndian(4);
  const data = reader.take(length);
  if (length % 2 === 1) reader.expect([0], `the byte after its chunk ${name} is not 0`);
  return { name, data };
};

/** RFC 6386, 9.1: a visible key frame. */
const lossySize = (data: Buffer): Size => {
  const reader = new ByteReader(data);
  const tag = reader.uintLittleEndian(3);
  requireThat((tag & 0b1) === 0 && (tag & 0b10000) !== 0, 'its frame is not a visible key frame');
  reader.expect([0x9d, 0x01, 0x2a], 'its frame has no start code');
  const [width, height] = [reader.uintLittleEndian(2), reader.uintLittleEndian(2)];
  const firstPartitionBytes = tag >>> 5;
  requireThat(firstPartitionBytes < reader.remaining, 'its frame ends too early');
  // The two highest bits ask for upscaling.
  requireThat(width >>> 14 === 0 && height >>> 14 === 0, 'its frame asks for upscaling');
  return { width, height };
};

/** RFC 9649, 3.4. */
const losslessSize = (data: Buffer): Size => {
  const reader = new ByteReader(data);
  reader.expect([0x2f], 'its lossless picture has no signature');
  const header = reader.uintLittleEndian(4);
  requireThat(header >>> 29 === 0, 'its lossless picture has an unknown version');
  requireThat(reader.remaining > 0, 'its lossless picture is empty');
  return { width: (header & 0x3fff) + 1, height: ((header >>> 14) & 0x3fff) + 1 };
};

/** Its only flag is alpha. The others mean an animation, a colour profile, EXIF or XMP. */
const checkExtended = (data: Buffer, { width, height }: Size): void => {
  const reader = new ByteReader(data);
  reader.expect([0x10, 0, 0, 0], 'its header declares more than alpha');
  const canvas = { width: reader.uintLittleEndian(3) + 1, height: reader.uintLittleEndian(3) + 1 };
  reader.expectEnd('its header');
  requireThat(
    canvas.width === width && canvas.height === height,
    `its header declares ${canvas.width} x ${canvas.height} pixels, and its picture has ${width} x ${height}`,
  );
};

const checkAlpha = (data: Buffer, { width, height }: Size): void => {
  const reader = new ByteReader(data);
  const header = reader.uint(1);
  const compression = header & 0b11;
  requireThat(header >>> 6 === 0 && compression <= 1, 'its alpha has an unknown header');
  requireThat(
    compression === 1 ? reader.remaining > 0 : reader.remaining === width * height,
    `its alpha has ${reader.remaining} bytes`,
  );
};
