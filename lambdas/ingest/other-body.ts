import { ImageError } from '../image/errors.ts';

const sendBytes = 'Send the file itself: curl --data-binary @photo.jpg';

/** Base64 of the first bytes of JPEG, PNG, GIF, WebP, TIFF, and of AVIF and HEIC. */
const base64Starts = ['/9j/', 'iVBOR', 'R0lGOD', 'UklGR', 'SUkqA', 'TU0AK', 'AAAA'];

/** Enough to tell what a body is. */
const startBytes = 256;

/**
 * Explains a body that contains an image in a wrapping, or one that a program changed. Other bodies are
 * left to the check of the image's type.
 *
 * @throws ImageError `unsupported-type`, with the way that works
 */
export const refuseOtherBody = (body: Uint8Array, contentType: string): void => {
  const what = describe(
    Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    contentType.toLowerCase(),
  );
  if (what !== undefined) throw new ImageError('unsupported-type', `The body is ${what}. ${sendBytes}`);
};

const describe = (body: Buffer, contentType: string): string | undefined => {
  const start = body.toString('latin1', 0, startBytes).trimStart();
  if (body[0] === 0x1f && body[1] === 0x8b) return 'compressed with gzip';
  if (/^["']?data:/i.test(start)) return 'a data URI, which is text';
  if (/^[[{]/.test(start)) return 'JSON, not an image';
  if (/^--\S+\r\nContent-Disposition:/i.test(start)) return 'a form whose Content-Type has no boundary';
  if (base64Starts.some((base64) => start.startsWith(base64)) && /^[\w+/=\s-]+$/.test(start)) {
    return 'the image in base64, which is text';
  }
  if (!contentType.startsWith('application/x-www-form-urlencoded')) return undefined;
  if (start.startsWith('@')) return 'the name of a file';
  if (/^[\w.%+~-]+=/.test(start)) return 'an HTML form without enctype="multipart/form-data"';
  // Every image format has bytes of 0. "curl -d" leaves out those and line ends.
  const isStripped = body.byteLength > 0 && ![0, 10, 13].some((byte) => body.includes(byte));
  return isStripped ? 'an image without its line ends, as "curl -d" sends it' : undefined;
};
