import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { createRandom, type Random } from '../test/trials/random.ts';
import { benchFolder } from './project.ts';

export interface Photo {
  readonly name: PhotoName;
  readonly file: string;
  readonly bytes: Buffer;
}

/** Every kind of photo: its pixels and its encoding. */
const kinds = {
  '12 MP JPEG': {
    file: '12mp.jpg',
    width: 4000,
    height: 3000,
    encode: (image: Sharp) => image.jpeg({ quality: 92 }),
  },
  '12 MP progressive JPEG': {
    file: '12mp-progressive.jpg',
    width: 4000,
    height: 3000,
    encode: (image: Sharp) => image.jpeg({ quality: 92, progressive: true }),
  },
  '48 MP JPEG': {
    file: '48mp.jpg',
    width: 8000,
    height: 6000,
    encode: (image: Sharp) => image.jpeg({ quality: 92 }),
  },
  '3 MP PNG with alpha': {
    file: '3mp-alpha.png',
    width: 2000,
    height: 1500,
    encode: (image: Sharp) => image.ensureAlpha(0.5).png({ compressionLevel: 6 }),
  },
  '12 MP WebP': {
    file: '12mp.webp',
    width: 4000,
    height: 3000,
    encode: (image: Sharp) => image.webp({ quality: 85, effort: 0 }),
  },
  '3 MP AVIF': {
    file: '3mp.avif',
    width: 2000,
    height: 1500,
    encode: (image: Sharp) => image.avif({ quality: 60, effort: 0 }),
  },
  '0.3 MP JPEG': {
    file: '0.3mp.jpg',
    width: 640,
    height: 480,
    encode: (image: Sharp) => image.jpeg({ quality: 85 }),
  },
} as const;

export type PhotoName = keyof typeof kinds;

const isPhotoName = (name: string): name is PhotoName => name in kinds;

export const photoNames: readonly PhotoName[] = Object.keys(kinds).filter(isPhotoName);

/** A generated photo, the same for the same seed; kept for the next run. */
export const photo = async (name: PhotoName, seed: number): Promise<Photo> => {
  const { file: fileName, width, height, encode } = kinds[name];
  const folder = join(benchFolder, 'photos', String(seed));
  const file = join(folder, fileName);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    const bytes = await encode(scene(createRandom(seed), width, height)).toBuffer();
    writeFileSync(`${file}.new`, bytes);
    renameSync(`${file}.new`, file);
  }
  return { name, file, bytes: await readFile(file) };
};

/** Shapes from large to small, each with half the contrast of the one before, as in photos. */
const octaves = [
  { across: 6, strength: 70 },
  { across: 40, strength: 35 },
  { across: 250, strength: 18 },
];

/** The spread of the sensor's noise. With it, 12 megapixels take about 4 MB, like those of a phone. */
const grain = 7;
const grainSide = 1024;

/** Light and shade of all sizes, with grain. */
const scene = (random: Random, width: number, height: number): Sharp => {
  const layers = octaves.map(({ across, strength }) => ({
    strength,
    ...fieldOf(random, across, Math.max(2, Math.round((across * height) / width))),
  }));
  const noise = Int8Array.from(
    { length: grainSide * grainSide },
    // The sum of three is close to the bell curve of a sensor's noise.
    () => Math.round((random.next() + random.next() + random.next() - 1.5) * 2 * grain),
  );
  const pixels = Buffer.allocUnsafe(width * height * 3);
  const rows = layers.map(() => new Float32Array(width * 3));
  for (let y = 0; y < height; y += 1) {
    for (const [index, layer] of layers.entries()) {
      const row = rows[index];
      if (row !== undefined) interpolateRow(layer, y / height, row);
    }
    for (let x = 0; x < width; x += 1) {
      const speck = noise[(y % grainSide) * grainSide + ((x + y * 7) % grainSide)] ?? 0;
      for (let channel = 0; channel < 3; channel += 1) {
        let value = 128 + speck;
        for (const row of rows) value += row[x * 3 + channel] ?? 0;
        pixels[(y * width + x) * 3 + channel] = Math.max(0, Math.min(255, value));
      }
    }
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } });
};

interface Field {
  readonly columns: number;
  readonly rows: number;
  readonly values: Float32Array;
  readonly strength: number;
}

const fieldOf = (random: Random, columns: number, rows: number) => ({
  columns,
  rows,
  values: Float32Array.from({ length: (columns + 1) * (rows + 1) * 3 }, () => random.next() * 2 - 1),
});

/** One row of a field, at 0 to 1 of its height, interpolated in both directions. */
const interpolateRow = ({ columns, rows, values, strength }: Field, at: number, row: Float32Array): void => {
  const width = row.length / 3;
  const top = Math.floor(at * rows);
  const down = at * rows - top;
  for (let x = 0; x < width; x += 1) {
    const position = (x / width) * columns;
    const left = Math.floor(position);
    const right = position - left;
    for (let channel = 0; channel < 3; channel += 1) {
      const value = (column: number, line: number): number =>
        values[(line * (columns + 1) + column) * 3 + channel] ?? 0;
      const upper = value(left, top) * (1 - right) + value(left + 1, top) * right;
      const lower = value(left, top + 1) * (1 - right) + value(left + 1, top + 1) * right;
      row[x * 3 + channel] = (upper * (1 - down) + lower * down) * strength;
    }
  }
};

/** The same JPEG with a comment, so that its hash differs but the cost of decoding does not. */
export const numbered = (jpeg: Buffer, number: string): Buffer => {
  const text = Buffer.from(number);
  const comment = Buffer.alloc(4 + text.byteLength);
  comment.writeUInt16BE(0xfffe);
  comment.writeUInt16BE(2 + text.byteLength, 2);
  text.copy(comment, 4);
  // After the start-of-image marker.
  return Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)]);
};
