import type { Random } from '../../random.ts';
import { payloads } from '../foreign.ts';
import { boxes } from '../formats/avif.ts';
import { gifParts } from '../formats/gif.ts';
import { jpegParts } from '../formats/jpeg.ts';
import { pngParts } from '../formats/png.ts';
import { webpParts } from '../formats/webp.ts';
import type { Expected, Family, FormatName, Sample } from '../input.ts';
import { latin1 } from '../numbers.ts';
import type { Part, PartsFormat } from '../parts.ts';

/** The places of a format for data that decoders ignore. */
const comments: Readonly<Partial<Record<FormatName, readonly [PartsFormat, (text: Buffer) => Part]>>> = {
  jpeg: [jpegParts, (content) => ({ type: 'fe', content })],
  png: [pngParts, (text) => ({ type: 'tEXt', content: Buffer.concat([latin1('Comment\0'), text]) })],
  webp: [webpParts, (content) => ({ type: 'JUNK', content })],
  gif: [
    gifParts,
    (text) => {
      const content = text.subarray(0, 255);
      return {
        type: 'extension',
        content: Buffer.concat([Buffer.from([0x21, 0xfe, content.length]), content, Buffer.from([0])]),
      };
    },
  ],
  avif: [boxes, (content) => ({ type: 'free', content })],
};

interface Way {
  readonly must?: Expected;
  mix(sample: Sample, payload: Buffer, random: Random): Buffer;
}

const within = ({ format, bytes }: Sample, payload: Buffer, isLast: boolean): Buffer => {
  const [partsFormat, comment] = comments[format] ?? [];
  if (partsFormat === undefined || comment === undefined) return Buffer.concat([bytes, payload]);
  const parts = partsFormat.split(bytes);
  // The first part must stay first and the last one last. In an AVIF after its data, because of the offsets.
  const at = isLast || format === 'avif' ? parts.length - (format === 'avif' ? 0 : 1) : 1;
  return partsFormat.join([...parts.slice(0, at), comment(payload), ...parts.slice(at)]);
};

const ways: Readonly<Record<string, Way>> = {
  'before-it': {
    must: 'refused',
    mix: ({ bytes }, payload) => Buffer.concat([payload, latin1('\n'), bytes]),
  },
  'after-it': { mix: ({ bytes }, payload) => Buffer.concat([bytes, payload]) },
  'within-it': { mix: (sample, payload) => within(sample, payload, false) },
  'within-its-end': { mix: (sample, payload) => within(sample, payload, true) },
  'instead-of-its-end': {
    mix: ({ bytes }, payload, random) =>
      Buffer.concat([bytes.subarray(0, random.whole(1, bytes.length)), payload]),
  },
  'over-its-middle': {
    mix: ({ bytes }, payload, random) => {
      const mixed = Buffer.from(bytes);
      payload.copy(mixed, random.whole(12, Math.max(12, mixed.length - 1)));
      return mixed;
    },
  },
};

/** Two images in one: which of them a program finds depends on where it starts. */
const twoInOne = (samples: readonly Sample[], random: Random) => {
  const [one, other] = [random.pick(samples), random.pick(samples)];
  return { kind: `${one.name}-and-${other.name}`, bytes: Buffer.concat([one.bytes, other.bytes]) };
};

/** An image and something else at the same time. */
export const polyglots = (samples: readonly Sample[]): Family => ({
  name: 'polyglots',
  make(_nth, random) {
    if (random.next() < 0.1) return twoInOne(samples, random);
    const sample = random.pick(samples);
    const [what, payload] = random.pick(Object.entries(payloads));
    const [where, { must, mix }] = random.pick(Object.entries(ways));
    // Makes each a different image.
    const text = Buffer.concat([payload, latin1(` ${random.whole(0, 1_000_000_000)}`)]);
    return { kind: `${sample.name}-with-${what}-${where}`, bytes: mix(sample, text, random), must };
  },
});
