import { u16le, u32le } from '../trials/hostile/numbers.ts';
import { height, width } from './picture.ts';

/** The values of a field: of 16 or 32 bits, or any bytes. */
export type Field =
  | { readonly short: readonly number[] }
  | { readonly long: readonly number[] }
  | { readonly bytes: Buffer };

/** Fields by their tags (TIFF 6.0, section 8). Size and strips have defaults. */
export interface TiffPicture {
  readonly samples: Buffer;
  readonly fields: Readonly<Record<number, Field>>;
  /** Where the next directory is. @default 0 */
  readonly next?: number;
}

const encoded = (field: Field) => {
  if ('bytes' in field) return { type: 7, count: field.bytes.length, bytes: field.bytes };
  if ('short' in field) {
    return { type: 3, count: field.short.length, bytes: Buffer.concat(field.short.map(u16le)) };
  }
  return { type: 4, count: field.long.length, bytes: Buffer.concat(field.long.map(u32le)) };
};

/** Writes a little-endian TIFF of one strip. */
export const tiff = ({ samples, fields, next = 0 }: TiffPicture): Buffer => {
  const all: TiffPicture['fields'] = {
    256: { short: [width] },
    257: { short: [height] },
    259: { short: [1] },
    273: { long: [8] },
    278: { short: [height] },
    279: { long: [samples.length] },
    ...fields,
  };
  const data = Buffer.concat([samples, Buffer.alloc(samples.length % 2)]);
  const directoryAt = 8 + data.length;
  const tags = Object.keys(all)
    .map(Number)
    .toSorted((one, other) => one - other);
  let beyondAt = directoryAt + 2 + 12 * tags.length + 4;
  const beyond: Buffer[] = [];
  const entries = tags.map((tag) => {
    const { type, count, bytes } = encoded(all[tag] ?? { short: [] });
    const head = [u16le(tag), u16le(type), u32le(count)];
    if (bytes.length <= 4) return Buffer.concat([...head, bytes, Buffer.alloc(4 - bytes.length)]);
    const padded = Buffer.concat([bytes, Buffer.alloc(bytes.length % 2)]);
    beyond.push(padded);
    beyondAt += padded.length;
    return Buffer.concat([...head, u32le(beyondAt - padded.length)]);
  });
  return Buffer.concat([
    Buffer.from('II*\0', 'latin1'),
    u32le(directoryAt),
    data,
    u16le(tags.length),
    ...entries,
    u32le(next),
    ...beyond,
  ]);
};

/** Grey, or RGB, of so many bits; 3 is floating point. */
export const samplesOf = (count: 1 | 3, bits: number, format: 1 | 3 = 1): TiffPicture['fields'] => ({
  258: { short: Array.from({ length: count }, () => bits) },
  262: { short: [count === 1 ? 1 : 2] },
  277: { short: [count] },
  339: { short: Array.from({ length: count }, () => format) },
});
