import sharp from 'sharp';
import { createRandom, type Random } from '../random.ts';

/** An image, and the mean colour of its thumbnail. */
export interface ColouredNoise {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
  /** Red, green and blue, 0 to 255. */
  readonly colour: readonly [number, number, number];
}

/** The amplitude of noise: high enough that it does not compress, and low enough that no value is clipped. */
const straying = 30;

const noiseOf = (random: Random, width: number, height: number) => {
  const channel = () => random.whole(straying, 255 - straying);
  const colour = [channel(), channel(), channel()] as const;
  const pixels = random.bytes(width * height * 3);
  for (const [index, value] of pixels.entries()) {
    pixels[index] = (colour[index % 3] ?? 0) + (value % (2 * straying + 1)) - straying;
  }
  return { colour, image: sharp(pixels, { raw: { width, height, channels: 3 } }) };
};

/**
 * The small image with this number, of a few hundred bytes to 20 KB: unique, and the same for the same seed.
 */
export const smallImage = async (seed: number, number: number): Promise<ColouredNoise> => {
  const random = createRandom(seed * 1_000_003 + number);
  const [width, height] = [random.whole(12, 80), random.whole(12, 80)];
  const { colour, image } = noiseOf(random, width, height);
  const encoded = random.next() < 0.5 ? image.png() : image.jpeg({ quality: 90 });
  return { bytes: Buffer.from(await encoded.toBuffer()), width, height, colour };
};

/** Different images of a megabyte each, made faster than they are sent. */
export const megabyteImages = async (
  seed: number,
  count: number,
): Promise<readonly Buffer<ArrayBuffer>[]> => {
  const side = 590;
  const { image } = noiseOf(createRandom(seed), side, side);
  const pixels = await image.raw().toBuffer();
  const images: Buffer<ArrayBuffer>[] = [];
  for (let number = 0; number < count; number += 1) {
    pixels.writeUInt32LE(number);
    const png = await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
      .png({ compressionLevel: 0 })
      .toBuffer();
    images.push(Buffer.from(png));
  }
  return images;
};

/** The largest side of a square whose uncompressed PNG has at most 32 million bytes. */
const largeSide = 3260;

/** The image with this number, of almost 32 MB: one colour, except for a pixel that makes it unique. */
export const largeImage = async (seed: number, number: number): Promise<Buffer<ArrayBuffer>> => {
  const pixels = Buffer.alloc(largeSide * largeSide * 3, createRandom(seed).whole(0, 255));
  pixels.writeUInt32LE(number);
  const png = await sharp(pixels, { raw: { width: largeSide, height: largeSide, channels: 3 } })
    .png({ compressionLevel: 0 })
    .toBuffer();
  return Buffer.from(png);
};
