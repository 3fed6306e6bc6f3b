import type { Random } from '../../random.ts';
import type { Format } from '../input.ts';
import { edgeNumbers, latin1, u32be } from '../numbers.ts';
import { type Part, type PartsFormat, restructureParts } from '../parts.ts';

/** Boxes that contain boxes, and the number of bytes before those (ISO/IEC 14496-12, ISO/IEC 23008-12). */
const containers: Readonly<Record<string, number>> = {
  meta: 4,
  iinf: 6,
  iref: 4,
  iprp: 0,
  ipco: 0,
  dinf: 0,
  moov: 0,
  trak: 0,
  mdia: 0,
  minf: 0,
  stbl: 0,
};

/** The boxes of an AVIF. */
export const boxes = {
  split(bytes) {
    const parts: Part[] = [];
    for (let at = 0; at + 8 <= bytes.length; ) {
      const end = at + Math.max(8, bytes.readUInt32BE(at));
      parts.push({ type: bytes.toString('latin1', at + 4, at + 8), content: bytes.subarray(at + 8, end) });
      at = end;
    }
    return parts;
  },
  join: (parts) => Buffer.concat(parts.map(box)),
  nestedAt: ({ type }) => containers[type],
} as const satisfies PartsFormat;

export const box = ({ type, content, statedLength = content.length + 8 }: Part): Buffer =>
  Buffer.concat([u32be(statedLength), latin1(type), content]);

/** Writes into the content of the first box of a type, at any depth. Lengths and offsets stay valid. */
export const withinBox = (bytes: Buffer, type: string, write: (content: Buffer) => void): Buffer => {
  const changed = Buffer.from(bytes);
  const at = changed.indexOf(type, 0, 'latin1');
  if (at < 4) return changed;
  write(changed.subarray(at + 4, at - 4 + Math.max(8, changed.readUInt32BE(at - 4))));
  return changed;
};

export const avif: Format = {
  restructure: (bytes, random) => restructureParts(boxes, bytes, random),
  lie(bytes, random) {
    const [name, { type, write }] = random.pick(Object.entries(lies));
    return {
      kind: `header-lies-about-${name}`,
      bytes: withinBox(bytes, type, (content) => {
        if (content.length >= 4) write(content, random);
      }),
    };
  },
};

interface Lie {
  readonly type: string;
  write(content: Buffer, random: Random): void;
}

const anywhere = (content: Buffer, random: Random): void => {
  content.writeUInt8(random.pick(edgeNumbers(1)), random.whole(0, content.length - 1));
};

const lies: Readonly<Record<string, Lie>> = {
  width: { type: 'ispe', write: (content, random) => content.writeUInt32BE(random.pick(edgeNumbers(4)), 4) },
  height: { type: 'ispe', write: (content, random) => content.writeUInt32BE(random.pick(edgeNumbers(4)), 8) },
  'both-sides': {
    type: 'ispe',
    write: (content, random) => {
      content.writeUInt32BE(random.pick(edgeNumbers(2)), 4);
      content.writeUInt32BE(random.pick(edgeNumbers(2)), 8);
    },
  },
  codec: { type: 'av1C', write: anywhere },
  channels: { type: 'pixi', write: anywhere },
  places: {
    type: 'iloc',
    write: (content, random) => {
      const at = random.whole(4, content.length - 4);
      content.writeUInt32BE(random.pick(edgeNumbers(4)), at);
    },
  },
  items: { type: 'iinf', write: anywhere },
  properties: { type: 'ipma', write: anywhere },
  primary: { type: 'pitm', write: anywhere },
  references: { type: 'iref', write: anywhere },
  colour: { type: 'colr', write: anywhere },
  'auxiliary-kind': { type: 'auxC', write: anywhere },
  handler: { type: 'hdlr', write: anywhere },
};
