import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { isCostlyHeader, jpegScans } from '../../../../lambdas/resize/decoder/cost.ts';
import { quarteredPicture } from '../../../images.ts';

const chunk = (type: string, content: Buffer): Buffer => {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const bytes = Buffer.alloc(named.byteLength + 8);
  bytes.writeUInt32BE(content.byteLength);
  named.copy(bytes, 4);
  bytes.writeUInt32BE(crc32(named), named.byteLength + 4);
  return bytes;
};

/** A small PNG with these chunks behind its header. */
const pngWith = async (...chunks: readonly Buffer[]): Promise<Buffer> => {
  const png = await quarteredPicture(8, 8).png().toBuffer();
  const afterHeader = 8 + 25;
  return Buffer.concat([png.subarray(0, afterHeader), ...chunks, png.subarray(afterHeader)]);
};

const inflating = deflateSync(Buffer.alloc(8_000_000, 'x'));
const compressedText = chunk('zTXt', Buffer.concat([Buffer.from('Comment\0\0'), inflating]));
const international = (flag: 0 | 1, text: Buffer): Buffer =>
  chunk('iTXt', Buffer.concat([Buffer.from('XML:com.adobe.xmp\0'), Buffer.from([flag, 0, 0, 0]), text]));

test.each([
  ['a PNG', () => pngWith()],
  ['a PNG with a comment', () => pngWith(compressedText)],
  ['a PNG with metadata of 50 KB', () => pngWith(international(0, Buffer.alloc(50_000, 'x')))],
  ['a JPEG', () => quarteredPicture(80, 60).jpeg().toBuffer()],
  ['half a PNG', async () => (await pngWith(compressedText)).subarray(0, 60)],
])('%s has a cheap header', async (_, image) => {
  expect(isCostlyHeader(await image())).toBe(false);
});

test.each([
  ['comments that inflate to 160 MB', () => pngWith(...Array.from({ length: 20 }, () => compressedText))],
  ['compressed international text', () => pngWith(international(1, Buffer.alloc(20_000)))],
  ['two megabytes of plain text', () => pngWith(chunk('tEXt', Buffer.alloc(2_000_000, 'x')))],
  [
    'a chunk that claims to be longer than the file',
    () => pngWith(Buffer.from('\x7f\xff\xff\xffzTXt', 'latin1')),
  ],
])('%s make a costly header', async (_, image) => {
  expect(isCostlyHeader(await image())).toBe(true);
});

test('counts the scans of a JPEG', async () => {
  expect(jpegScans(await quarteredPicture(80, 60).jpeg().toBuffer())).toBe(1);
  expect(
    jpegScans(
      await sharp(await quarteredPicture(80, 60).png().toBuffer())
        .jpeg({ progressive: true })
        .toBuffer(),
    ),
  ).toBeGreaterThan(5);
});
