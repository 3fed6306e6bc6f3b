import { deflateSync } from 'node:zlib';
import type { DamageKind } from '../../../image/damage.ts';
import { ImageError } from '../../../image/errors.ts';
import { corrupt, damaged } from './damage.ts';
import type { Format, Prepared } from './format.ts';
import { chunkOf, chunksOf, signature } from './png/chunks.ts';
import { conversionOf } from './png/colour.ts';
import { defaultImage, type Frame, isOutOfStep, separateFirstFrame } from './png/frame.ts';
import { colourTypes, type Head, readHead } from './png/head.ts';
import { inflate, inflateLeniently, isWhole } from './png/inflate.ts';
import { cleanHead, isCleanHead, keptChunks, neededTypes, paletteOf, transparencyOf } from './png/palette.ts';
import {
  type Canvas,
  canvasFor,
  inflatedBytes,
  isDecodable,
  type Palette,
  paint,
  pixelReader,
} from './png/pixels.ts';

/** Larger pictures are left to libvips: painting them would take too much memory. */
const maxPaintedPixels = 2 ** 25;

const prepare = (bytes: Buffer): Buffer => {
  requireStandard(bytes);
  const head = readHead(bytes);
  // libvips says what is wrong.
  if (head === undefined) return bytes;
  if (!head.isHeaderIntact) throw corrupt(damaged('damaged', 'IHDR: CRC error'));
  // The bits of a sample come from the file. libvips refuses those that the specification does not allow.
  if (!isDecodable(head.header)) return bytes;
  const palette = paletteOf(head);
  if (palette === undefined) throw corrupt(damaged('damaged', 'PLTE: missing or damaged'));
  const frame = separateFirstFrame(bytes, head);
  const animated = frame && withFrame(bytes, head, palette, frame);
  if (animated) return animated;
  if (isCleanHead(bytes, head)) return bytes;
  return Buffer.concat([signature, ...cleanHead(bytes, head, palette), bytes.subarray(head.end)]);
};

/** Xcode writes PNGs that only Apple's systems can read, with swapped colours and another compression. */
const requireStandard = (bytes: Buffer): void => {
  if (chunksOf(bytes).next().value?.type !== 'CgBI') return;
  throw new ImageError('unsupported-type', 'The image is a PNG in the variant of Apple (CgBI).');
};

const canPaint = ({ header }: Head): boolean =>
  isDecodable(header) && header.width * header.height <= maxPaintedPixels;

/** A file whose only picture is the frame. */
const withFrame = (bytes: Buffer, head: Head, palette: Palette, frame: Frame): Buffer | undefined => {
  if (frame.header.width === head.header.width && frame.header.height === head.header.height) {
    const chunks = cleanHead(bytes, head, palette);
    return Buffer.concat([signature, ...chunks, chunkOf('IDAT', frame.data), chunkOf('IEND')]);
  }
  if (!canPaint(head)) return undefined;
  const inflated = inflate(frame.data, inflatedBytes(frame.header)) ?? Buffer.alloc(0);
  const canvas = canvasFor(head.header);
  const pixels = pixelReader(frame.header, palette, transparencyOf(head));
  const { rows } = paint(canvas, frame.header, inflated, pixels, frame);
  // The default image is not what browsers show.
  if (rows === 0) throw corrupt(damaged('damaged', 'fdAT: no row can be decoded'));
  return fileOf(canvas, bytes, head);
};

/** A PNG of the canvas, in the same colours. */
const fileOf = ({ width, height, channels, data }: Canvas, bytes: Buffer, head: Head): Buffer => {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[9] = channels === 2 ? colourTypes.greyAlpha : colourTypes.rgba;
  const rowBytes = width * channels;
  const rows = Buffer.alloc((1 + rowBytes) * height);
  for (let row = 0; row < height; row += 1) {
    data.copy(rows, row * (1 + rowBytes) + 1, row * rowBytes, (row + 1) * rowBytes);
  }
  return Buffer.concat([
    signature,
    chunkOf('IHDR', header),
    ...keptChunks(bytes, head, neededTypes),
    chunkOf('IDAT', deflateSync(rows, { level: 1 })),
    chunkOf('IEND'),
  ]);
};

/** What Chromium does not show before an error: its decoder still holds it back. */
const heldBackBytes = 32_768;

const inflatedOf = async ({ header, data, isInterrupted }: Frame): Promise<Buffer> => {
  const expected = inflatedBytes(header);
  const { bytes, hasError } = await inflateLeniently(data, expected);
  if (bytes.byteLength === expected || !(hasError || isInterrupted)) return bytes;
  // It holds back nothing at the end of the data.
  if (!hasError && isWhole(data, expected)) return bytes;
  // Of small pictures Chromium shows nothing then, which helps nobody.
  return bytes.byteLength > heldBackBytes ? bytes.subarray(0, -heldBackBytes) : bytes;
};

/** libpng stops at the first error, or long before it, and leaves the rest black. */
const recover = async (bytes: Buffer, warnings: readonly string[]): Promise<Prepared | undefined> => {
  const head = readHead(bytes);
  const palette = head && paletteOf(head);
  if (head === undefined || palette === undefined || !canPaint(head)) return undefined;
  const frame = separateFirstFrame(bytes, head) ?? defaultImage(bytes, head);
  const inflated = await inflatedOf(frame);
  const canvas = canvasFor(head.header);
  const pixels = pixelReader(frame.header, palette, transparencyOf(head));
  const { rows, of } = paint(canvas, frame.header, inflated, pixels, frame);
  const isCutOff = !(frame.hasEnd || frame.isInterrupted);
  const damage = damaged(isCutOff ? 'incomplete' : 'damaged', warnings.join('; '));
  if (rows === 0) throw corrupt(damage);
  const isDamaged = rows < of || warnings.some((warning) => wrongCheck.test(warning));
  return { bytes: fileOf(canvas, bytes, head), damage: isDamaged ? damage : undefined };
};

const wrongCheck = /incorrect data check/;

/** What libpng says of a picture's data. What it says of other chunks does not show. */
const aboutData = /not enough (image )?data|IDAT: (?!Extra|Too much)|bad adaptive filter|read error/i;

const damageOf = (warnings: readonly string[], bytes: Buffer): DamageKind | undefined => {
  const head = readHead(bytes);
  const isOdd = head !== undefined && isOutOfStep(bytes, head);
  return isOdd || warnings.some((warning) => aboutData.test(warning)) ? 'damaged' : undefined;
};

export const png: Format = {
  prepare,
  // What libpng leaves of a picture that is too large to be painted here.
  fill: { isFill: (pixel) => pixel.subarray(0, 3).every((level) => level === 0), blockRows: 1 },
  conversionOf,
  damageOf,
  recover,
};
