import type { Random } from '../random.ts';
import type { Made } from './input.ts';
import { edgeNumbers } from './numbers.ts';

/** A part of a file: a chunk, a segment, a block or a box. */
export interface Part {
  readonly type: string;
  readonly content: Buffer;
  /** The length in its header. @default - the true length */
  readonly statedLength?: number;
  /** Whether its checksum, if it has one, is wrong. @default false */
  readonly isChecksumWrong?: boolean;
}

export interface PartsFormat {
  /** Accepts any file; bytes outside of parts stay with the part before them. */
  split(bytes: Buffer): readonly Part[];
  join(parts: readonly Part[]): Buffer;
  /** Where the parts inside a part begin; undefined if it holds none. @default - parts hold no parts */
  nestedAt?(part: Part): number | undefined;
}

type Change = (parts: readonly Part[], at: number, random: Random) => readonly Part[];

const onePart =
  (change: (part: Part, random: Random) => readonly Part[]): Change =>
  (parts, at, random) =>
    parts.flatMap((part, index) => (index === at ? change(part, random) : [part]));

const changes: Readonly<Record<string, Change>> = {
  removed: onePart(() => []),
  doubled: onePart((part) => [part, part]),
  repeated: onePart((part, random) =>
    Array.from(
      { length: random.whole(3, Math.max(3, Math.min(2000, 200_000 / (part.content.length + 12)))) },
      () => part,
    ),
  ),
  swapped: (parts, at, random) => {
    const other = random.whole(0, parts.length - 1);
    return parts.map((part, index) =>
      index === at ? (parts[other] ?? part) : index === other ? (parts[at] ?? part) : part,
    );
  },
  moved: (parts, at, random) => {
    const rest = parts.filter((_, index) => index !== at);
    const moved = parts.slice(at, at + 1);
    const to = random.whole(0, rest.length);
    return [...rest.slice(0, to), ...moved, ...rest.slice(to)];
  },
  shuffled: (parts, _at, random) => random.shuffled(parts),
  reversed: (parts) => parts.toReversed(),
  cut: onePart((part, random) => [
    { ...part, content: part.content.subarray(0, random.whole(0, part.content.length)) },
  ]),
  emptied: onePart((part) => [{ ...part, content: Buffer.alloc(0) }]),
  lengthened: onePart((part, random) => [
    { ...part, content: Buffer.concat([part.content, random.bytes(random.whole(1, 300))]) },
  ]),
  'of-another-length': onePart((part, random) => [
    {
      ...part,
      statedLength: random.pick([
        ...edgeNumbers(4),
        part.content.length - 1,
        part.content.length + 1,
        part.content.length * 2,
      ]),
    },
  ]),
  'with-a-wrong-checksum': onePart((part) => [{ ...part, isChecksumWrong: true }]),
  'with-the-type-of-another': onePart((part, random) => [
    {
      ...part,
      type: random.pick([
        part.type.toUpperCase(),
        part.type.toLowerCase(),
        part.type.split('').reverse().join(''),
      ]),
    },
  ]),
  'filled-with-noise': onePart((part, random) => [
    { ...part, content: random.bytes(Math.min(part.content.length, 4096)) },
  ]),
  'with-bytes-flipped': onePart((part, random) => {
    const content = Buffer.from(part.content);
    for (let left = random.whole(1, 8); left > 0 && content.length > 0; left -= 1) {
      content[random.whole(0, content.length - 1)] = random.whole(0, 255);
    }
    return [{ ...part, content }];
  }),
};

/** Changes one to three parts of a file, or parts within parts. */
export const restructureParts = (format: PartsFormat, bytes: Buffer, random: Random): Made => {
  const names: string[] = [];
  const changed = (whole: Buffer): Buffer => {
    const parts = format.split(whole);
    if (parts.length === 0) return whole;
    const at = random.whole(0, parts.length - 1);
    const part = parts[at];
    const nestedAt = part && format.nestedAt?.(part);
    if (part && nestedAt !== undefined && nestedAt < part.content.length && random.next() < 0.75) {
      const nested = Buffer.concat([
        part.content.subarray(0, nestedAt),
        changed(part.content.subarray(nestedAt)),
      ]);
      return format.join(parts.map((each, index) => (index === at ? { ...each, content: nested } : each)));
    }
    const name = random.pick(Object.keys(changes));
    names.push(name);
    return format.join(changes[name]?.(parts, at, random) ?? parts);
  };
  let result = bytes;
  for (let left = random.pick([1, 1, 1, 2, 3]); left > 0; left -= 1) result = changed(result);
  return { kind: `parts-${names.join('-')}`, bytes: result };
};

/** Changes the content, but not the length, of the first part of one of these types. */
export const withFields = (
  format: PartsFormat,
  bytes: Buffer,
  types: readonly string[],
  write: (content: Buffer, type: string) => void,
): Buffer => {
  let isWritten = false;
  return format.join(
    format.split(bytes).map((part) => {
      if (isWritten || !types.includes(part.type)) return part;
      isWritten = true;
      const content = Buffer.from(part.content);
      write(content, part.type);
      return { ...part, content };
    }),
  );
};
