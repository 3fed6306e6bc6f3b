import type { Family } from '../input.ts';
import { latin1 } from '../numbers.ts';

const beginnings = [
  '\xff\xd8\xff',
  '\x89PNG\r\n\x1a\n',
  'RIFF\x10\0\0\0WEBPVP8 ',
  'GIF87a',
  'GIF89a',
  'II*\0',
  'MM\0*',
  'II+\0\x08\0\0\0',
  '\0\0\0\x14ftypavif\0\0\0\0avif',
  '\0\0\0\0ftypavif',
  '\xff\xff\xff\xffftypavif\0\0\0\0',
];

/** Nothing, or almost nothing. */
export const scraps: Family = {
  name: 'scraps',
  make(nth, random) {
    if (nth === 0) return { kind: 'nothing', bytes: Buffer.alloc(0), must: 'empty-body' };
    const length = random.whole(1, 64);
    const [kind, bytes] = random.pick([
      ['noise', random.bytes(length)],
      ['zeros', Buffer.alloc(length)],
      ['ones', Buffer.alloc(length, 0xff)],
      ['blanks', Buffer.alloc(length, random.pick([' ', '\n', '\r\n', '\t', '\0 ']))],
      ['beginning', latin1(random.pick(beginnings))],
      ['half-a-beginning', latin1(random.pick(beginnings)).subarray(0, random.whole(1, 8))],
      ['beginning-and-noise', Buffer.concat([latin1(random.pick(beginnings)), random.bytes(length)])],
      ['beginning-and-zeros', Buffer.concat([latin1(random.pick(beginnings)), Buffer.alloc(length * 40)])],
    ] as const);
    return { kind: `${kind}-of-${bytes.length}`, bytes, must: 'refused' };
  },
};
