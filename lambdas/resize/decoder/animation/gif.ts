import { type Animation, type Frame, maxParts, shownMilliseconds } from './frames.ts';

const blocks = { extension: 0x21, image: 0x2c } as const;
const extensions = { graphicControl: 0xf9, application: 0xff } as const;

/** The two names of the extension that says how often a GIF is repeated. */
const loopApplications = ['NETSCAPE2.0', 'ANIMEXTS1.0'];

/** What precedes a frame: GIF89a, section 23, "Graphic Control Extension". */
interface Control {
  readonly milliseconds: number;
  readonly disposal: Frame['disposal'];
  /** The colour that is not drawn. */
  readonly transparent: number | undefined;
}

const noControl: Control = { milliseconds: shownMilliseconds(0), disposal: 'keep', transparent: undefined };

/** Old encoders wrote 4 for 3. */
const disposals: readonly Frame['disposal'][] = ['keep', 'keep', 'clear', 'restore', 'restore'];

/**
 * The frames of a GIF ("Graphics Interchange Format, Version 89a"), up to the first thing that is no block.
 * Each byte is read once.
 */
export const readGif = (data: Buffer): Animation | undefined => {
  if (data.byteLength < 13) return undefined;
  const flags = data.readUInt8(10);
  const globalColours = data.subarray(13, 13 + tableBytes(flags));
  const frames: Frame[] = [];
  let control = noControl;
  let repeats: number | undefined;
  let at = 13 + tableBytes(flags);
  while (at + 2 < data.byteLength && frames.length < maxParts) {
    const kind = data[at];
    if (kind === blocks.extension) {
      const label = data[at + 1];
      const end = endOfBlocks(data, at + 2);
      const content = data.subarray(at + 2, end);
      if (label === extensions.graphicControl && content.byteLength >= 5) control = controlOf(content);
      if (label === extensions.application) repeats ??= repeatsOf(content);
      at = end;
    } else if (kind === blocks.image && at + 10 <= data.byteLength) {
      const localFlags = data.readUInt8(at + 9);
      const colours = at + 10 + tableBytes(localFlags);
      // The size of its first codes precedes the blocks.
      const end = endOfBlocks(data, colours + 1);
      // A browser does not show a frame in part.
      if (data[end - 1] !== 0 || end <= colours + 1) break;
      const size = { width: data.readUInt16LE(at + 5), height: data.readUInt16LE(at + 7) };
      const picture = data.subarray(at + 9, end);
      const { transparent, ...shown } = control;
      frames.push({
        ...size,
        ...shown,
        left: data.readUInt16LE(at + 1),
        top: data.readUInt16LE(at + 3),
        isBlended: true,
        still: () => stillOf(size, { flags, globalColours, transparent, picture }),
      });
      control = noControl;
      at = end;
    } else break;
  }
  // Repeated so often after it was played once; not repeated without that extension.
  const plays = repeats === undefined ? 1 : repeats === 0 ? 0 : repeats + 1;
  // A first frame that is larger than the canvas enlarges it.
  const [first] = frames;
  return {
    width: Math.max(data.readUInt16LE(6), first ? first.left + first.width : 0),
    height: Math.max(data.readUInt16LE(8), first ? first.top + first.height : 0),
    plays,
    frames,
  };
};

/** The three lowest bits are the number of colours, a power of two. */
const tableBytes = (flags: number): number => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1));

/** Skips blocks, each of which begins with its length, up to one without content. */
const endOfBlocks = (data: Buffer, start: number): number => {
  let at = start;
  while (at < data.byteLength) {
    const length = data[at] ?? 0;
    at += 1 + length;
    if (length === 0) break;
  }
  return Math.min(at, data.byteLength);
};

const controlOf = (content: Buffer): Control => {
  const flags = content.readUInt8(1);
  return {
    milliseconds: shownMilliseconds(content.readUInt16LE(2) * 10),
    disposal: disposals[(flags >>> 2) & 7] ?? 'keep',
    transparent: (flags & 1) === 1 ? content.readUInt8(4) : undefined,
  };
};

/** @returns undefined for another application's extension; 0 means without end */
const repeatsOf = (content: Buffer): number | undefined => {
  const isLoop = content[0] === 11 && loopApplications.includes(content.toString('latin1', 1, 12));
  const isCount = (content[12] ?? 0) >= 3 && content[13] === 1 && content.byteLength >= 16;
  return isLoop && isCount ? content.readUInt16LE(14) : undefined;
};

interface Parts {
  readonly flags: number;
  readonly globalColours: Buffer;
  readonly transparent: number | undefined;
  /** From the flags of the frame to the end of its blocks. */
  readonly picture: Buffer;
}

const stillOf = (
  size: { readonly width: number; readonly height: number },
  { flags, globalColours, transparent, picture }: Parts,
): Buffer => {
  const screen = Buffer.alloc(13);
  screen.write('GIF89a', 'latin1');
  screen.writeUInt16LE(size.width, 6);
  screen.writeUInt16LE(size.height, 8);
  screen.writeUInt8(flags, 10);
  const descriptor = Buffer.alloc(9);
  descriptor.writeUInt8(blocks.image);
  descriptor.writeUInt16LE(size.width, 5);
  descriptor.writeUInt16LE(size.height, 7);
  const control =
    transparent === undefined
      ? Buffer.alloc(0)
      : Buffer.from([blocks.extension, extensions.graphicControl, 4, 1, 0, 0, transparent, 0]);
  return Buffer.concat([screen, globalColours, control, descriptor, picture, Buffer.from([0x3b])]);
};
