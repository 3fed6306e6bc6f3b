import type { Sharp } from 'sharp';
import { itemBytes, propertiesOf, readIsoFile } from '../lambdas/resize/decoder/originals/iso-boxes.ts';
import { box, fullBox, latin1, type TestItem, uint8s, uint16s, uint32s } from './iso-files.ts';

/** One picture as AV1, to be put into containers. */
export interface Av1Part {
  readonly bytes: Buffer;
  /** A whole box `av1C`. */
  readonly configuration: Buffer;
  readonly width: number;
  readonly height: number;
}

export interface Av1Parts {
  readonly colour: Av1Part;
  /** Brightness alone: of alpha, if the picture has any. */
  readonly alpha: Av1Part;
}

export type Av1Options = Pick<NonNullable<Parameters<Sharp['avif']>[0]>, 'bitdepth' | 'chromaSubsampling'>;

/** Encodes a picture with sharp, almost without loss, and takes its container away. */
export const av1PartsOf = async (picture: Sharp, options: Av1Options = {}): Promise<Av1Parts> => {
  const { data, info } = await picture
    .ensureAlpha()
    .avif({ quality: 95, chromaSubsampling: '4:4:4', effort: 0, ...options })
    .toBuffer({ resolveWithObject: true });
  const file = readIsoFile(data);
  const items = file?.items;
  const [colour, alpha] = [...(items?.items.values() ?? [])].map((item): Av1Part => {
    const found = file && items && itemBytes(file, items, item);
    const [configuration] = propertiesOf(item, 'av1C');
    if (!found || !configuration) throw new Error('sharp has written an unexpected AVIF');
    const { width, height } = info;
    return { bytes: found.bytes, configuration: configuration.bytes, width, height };
  });
  if (!colour || !alpha) throw new Error('sharp has written an AVIF without alpha');
  return { colour, alpha };
};

export const size = (width: number, height: number): Buffer => fullBox('ispe', 0, uint32s(width, height));

/** Numbers of ITU-T H.273. */
export const nclx = (primaries: number, transfer: number, matrix: number, isFullRange: boolean): Buffer =>
  box('colr', latin1('nclx'), uint16s(primaries, transfer, matrix), uint8s(isFullRange ? 128 : 0));

/** What libheif writes: sRGB, and BT.601 for the matrix. */
export const srgbSignal = nclx(1, 13, 6, true);

export const alphaType = fullBox('auxC', 0, latin1('urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0'));

export const av1Item = (
  id: number,
  { bytes, configuration, width, height }: Av1Part,
  ...more: readonly Buffer[]
): TestItem => ({ id, type: 'av01', bytes, properties: [size(width, height), configuration, ...more] });

/** ISO/IEC 23008-12, "Image grid derived image item". */
export const gridLayout = (rows: number, columns: number, width: number, height: number): Buffer =>
  Buffer.concat([uint8s(0, 0, rows - 1, columns - 1), uint16s(width, height)]);

/** Places of bits in the short sequence header of a still picture ("AV1 Bitstream", 5.5). */
const sizeBitsAt = 10;
const delimiterBytes = 2;
const unitHeaderBytes = 2;

/** The same samples of grey of 8 or 10 bits, of which black is called 16 and white 235. */
export const withLimitedRange = (part: Av1Part): Av1Part => {
  const bytes = Buffer.from(part.bytes);
  const header = bytes.subarray(delimiterBytes + unitHeaderBytes);
  const bits = (at: number, count: number): number => {
    let value = 0;
    for (let bit = at; bit < at + count; bit += 1) {
      value = value * 2 + (((header[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    }
    return value;
  };
  const sides = bits(sizeBitsAt, 4) + 1 + bits(sizeBitsAt + 4, 4) + 1;
  // Six tools, the depth, and whether it is grey.
  const hasSignalAt = sizeBitsAt + 8 + sides + 6 + 1 + 1;
  const rangeAt = hasSignalAt + 1 + (bits(hasSignalAt, 1) === 1 ? 24 : 0);
  const place = rangeAt >> 3;
  header[place] = (header[place] ?? 0) & ~(128 >> (rangeAt & 7));
  return { ...part, bytes };
};
