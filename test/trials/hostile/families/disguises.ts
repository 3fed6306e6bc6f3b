import { foreignFiles } from '../foreign.ts';
import type { Family } from '../input.ts';
import { latin1 } from '../numbers.ts';

/** The first bytes of an image of each accepted type, which deceive a check of the first bytes alone. */
const beginnings: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  jpeg: latin1('\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0'),
  png: latin1('\x89PNG\r\n\x1a\n'),
  webp: latin1('RIFF\xff\0\0\0WEBP'),
  gif: latin1('GIF89a'),
  avif: latin1('\0\0\0\x14ftypavif\0\0\0\0avif'),
  tiff: latin1('II*\0\x08\0\0\0'),
  'byte-order-mark': latin1('\xef\xbb\xbf'),
  blanks: latin1(' \r\n\t\n'),
};

/** Files of types that are not accepted, unchanged and after the first bytes of an accepted type. */
export const disguises: Family = {
  name: 'disguises',
  make(nth, random) {
    const files = Object.entries(foreignFiles);
    const [what, bytes] = files[nth % files.length] ?? random.pick(files);
    // First each unchanged, then after any first bytes; the end makes each a different image.
    const isPlain = nth < files.length;
    const [as, beginning] = isPlain
      ? (['nothing', Buffer.alloc(0)] as const)
      : random.pick(Object.entries(beginnings));
    const end = isPlain ? Buffer.alloc(0) : latin1(`\n${random.whole(0, 1_000_000_000)}`);
    return { kind: `${what}-behind-${as}`, bytes: Buffer.concat([beginning, bytes, end]), must: 'refused' };
  },
};
