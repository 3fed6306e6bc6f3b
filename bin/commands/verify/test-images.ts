import { randomBytes } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

/** Noise differs in each run, so that no image is known already. */
const noise = (width: number, height: number) =>
  sharp(randomBytes(width * height * 3), { raw: { width, height, channels: 3 } });

/** A JPEG of about 100 KB that nobody has uploaded before. */
export const newPhoto = (): Promise<Buffer> => noise(480, 360).jpeg({ quality: 70 }).toBuffer();

/** An image that nobody has uploaded before, of at most this size and at least 99 % of it. */
export const newImageOf = (maxBytes: number): Promise<Buffer> => {
  const headerBytes = 2048;
  const width = Math.floor(Math.sqrt((maxBytes - headerBytes) / 3));
  return noise(width, width).tiff({ compression: 'none' }).toBuffer();
};

/** Starts like a JPEG. */
const jpegStart = Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex');

/**
 * Starts like a JPEG and shows nothing. The rest has no byte 0xff, which could begin the header of a kind of
 * JPEG that is refused as `unsupported-type`.
 */
export const newCorruptImage = (bytes = 2000): Buffer =>
  Buffer.concat([jpegStart, randomBytes(bytes - jpegStart.length).map((byte) => byte & 0x7f)]);

const chunk = (type: string, data: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
};

/** A small PNG that claims to have more than 2,000,000,000 pixels, which no setting allows. */
export const newBomb = (): Buffer => {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(45_000, 0);
  header.writeUInt32BE(45_000, 4);
  // 8 bits, grey.
  header.set([8, 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('tEXt', Buffer.from(`Comment\0${randomBytes(16).toString('hex')}`, 'latin1')),
    chunk('IDAT', deflateSync(Buffer.alloc(45_001))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
};
