/*
 * Writes TIFFs of every kind, also wrong ones (TIFF 6.0, section 2).
 */

export const fieldTypes = {
  byte: 1,
  ascii: 2,
  short: 3,
  long: 4,
  rational: 5,
  undefined: 7,
  long8: 16,
} as const;

type FieldType = keyof typeof fieldTypes;

const fieldBytes: Readonly<Record<FieldType, number>> = {
  byte: 1,
  ascii: 1,
  short: 2,
  long: 4,
  rational: 8,
  undefined: 1,
  long8: 8,
};

export interface Field {
  readonly type: FieldType;
  readonly values: readonly number[] | Buffer;
}

export const short = (...values: readonly number[]): Field => ({ type: 'short', values });
export const long = (...values: readonly number[]): Field => ({ type: 'long', values });
/** Whole numbers, or such with at most three decimals. */
export const rational = (...values: readonly number[]): Field => ({ type: 'rational', values });
export const bytes = (values: Buffer): Field => ({ type: 'undefined', values });
export const text = (values: string): Field => ({ type: 'ascii', values: Buffer.from(values, 'latin1') });

/** By tag. */
export type Fields = Readonly<Record<number, Field | undefined>>;

export interface Page {
  readonly fields: Fields;
  /** Strips or tiles. */
  readonly chunks: readonly Buffer[];
  readonly isTiled?: boolean;
}

export interface FileOptions {
  readonly isBigEndian?: boolean;
  readonly isBigTiff?: boolean;
  /** In the order in which the fields are given. */
  readonly isUnsorted?: boolean;
  /** Strips come last, so that the end of the file can be cut off. */
  readonly directoryFirst?: boolean;
}

/** Writes numbers one after the other. */
const numbers = (type: FieldType, values: readonly number[], isBigEndian: boolean): Buffer => {
  const size = fieldBytes[type];
  const buffer = Buffer.alloc(values.length * size);
  const write = (value: number, at: number, length: number) =>
    isBigEndian ? buffer.writeUIntBE(value, at, length) : buffer.writeUIntLE(value, at, length);
  for (const [index, value] of values.entries()) {
    const at = index * size;
    if (type === 'rational') {
      write(Math.round(value * 1000), at, 4);
      write(1000, at + 4, 4);
    } else if (type === 'long8') write(value, isBigEndian ? at + 4 : at, 4);
    else write(value, at, size);
  }
  return buffer;
};

export const tiffFile = (pages: readonly Page[], options: FileOptions = {}): Buffer => {
  const { isBigEndian = false, isBigTiff = false, isUnsorted = false, directoryFirst = false } = options;
  const offsetType: FieldType = isBigTiff ? 'long8' : 'long';
  const inlineBytes = isBigTiff ? 8 : 4;
  const number = (type: FieldType, value: number) => numbers(type, [value], isBigEndian);
  const parts: Buffer[] = [];
  let length = 0;
  const append = (part: Buffer): number => {
    const at = length;
    parts.push(part);
    length += part.byteLength;
    return at;
  };
  const header = Buffer.from(isBigEndian ? 'MM' : 'II');
  append(
    Buffer.concat(
      isBigTiff
        ? [header, number('short', 43), number('short', 8), number('short', 0)]
        : [header, number('short', 42)],
    ),
  );
  let next = append(Buffer.alloc(inlineBytes));
  const patches: { readonly at: number; readonly bytes: Buffer }[] = [];
  for (const { fields, chunks, isTiled = false } of pages) {
    const [offsetsTag, countsTag] = isTiled ? [324, 325] : [273, 279];
    const directoryOf = (offsets: readonly number[]) => {
      const given: Fields = {
        [offsetsTag]: long(...offsets),
        [countsTag]: long(...chunks.map(({ byteLength }) => byteLength)),
        ...fields,
      };
      const tags = isUnsorted ? Object.keys(given).toReversed() : Object.keys(given);
      return tags.flatMap((tag) => {
        const field = given[Number(tag)];
        return field === undefined ? [] : [{ tag: Number(tag), ...field }];
      });
    };
    const write = (offsets: readonly number[]): void => {
      const entries = directoryOf(offsets).map(({ tag, type, values }) => {
        const value = Buffer.isBuffer(values) ? values : numbers(type, values, isBigEndian);
        const isInline = value.byteLength <= inlineBytes;
        const stored = isInline
          ? Buffer.concat([value, Buffer.alloc(inlineBytes - value.byteLength)])
          : number(offsetType, append(value));
        const count = Buffer.isBuffer(values) ? values.byteLength : values.length;
        return Buffer.concat([
          number('short', tag),
          number('short', fieldTypes[type]),
          number(offsetType, count),
          stored,
        ]);
      });
      const at = append(
        Buffer.concat([
          number(isBigTiff ? 'long8' : 'short', entries.length),
          ...entries,
          Buffer.alloc(inlineBytes),
        ]),
      );
      patches.push({ at: next, bytes: number(offsetType, at) });
      next = length - inlineBytes;
    };
    if (directoryFirst) {
      // The directory has the same length whatever the offsets are.
      const before = length;
      const probe = directoryOf(chunks.map(() => 0));
      const beyond = probe.reduce((sum, { type, values }) => {
        const size = Buffer.isBuffer(values) ? values.byteLength : values.length * fieldBytes[type];
        return sum + (size > inlineBytes ? size : 0);
      }, 0);
      const entryBytes = isBigTiff ? 20 : 12;
      let at = before + beyond + (isBigTiff ? 8 : 2) + probe.length * entryBytes + inlineBytes;
      write(
        chunks.map(({ byteLength }) => {
          const offset = at;
          at += byteLength;
          return offset;
        }),
      );
      for (const chunk of chunks) append(chunk);
    } else write(chunks.map(append));
  }
  const file = Buffer.concat(parts);
  for (const { at, bytes: patch } of patches) patch.copy(file, at);
  return file;
};

/** Packs samples one after the other, their highest bit first. */
export const packed = (samples: readonly number[], bits: number): Buffer => {
  const buffer = Buffer.alloc(Math.ceil((samples.length * bits) / 8));
  let bit = 0;
  for (const sample of samples) {
    for (let index = bits - 1; index >= 0; index -= 1, bit += 1) {
      if (Math.floor(sample / 2 ** index) % 2 === 1)
        buffer[bit >> 3] = (buffer[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
    }
  }
  return buffer;
};
