import { avifBombs } from '../bombs/avif.ts';
import type { Bombs } from '../bombs/bomb.ts';
import { gifBombs } from '../bombs/gif.ts';
import { jpegBombs } from '../bombs/jpeg.ts';
import { pngBombs } from '../bombs/png.ts';
import { tiffBombs } from '../bombs/tiff.ts';
import { webpBombs } from '../bombs/webp.ts';
import type { Family } from '../input.ts';
import { latin1 } from '../numbers.ts';

export const allBombs: Bombs = {
  ...pngBombs,
  ...jpegBombs,
  ...webpBombs,
  ...gifBombs,
  ...tiffBombs,
  ...avifBombs,
};

/** One bomb after the other, repeatedly; each seed starts with another one. */
export const bombs = (seed: number): Family => ({
  name: 'bombs',
  async make(nth, random) {
    const all = Object.entries(allBombs);
    const [name, { make, must }] = all[(nth + seed) % all.length] ?? random.pick(all);
    // Bytes after the end of an image are ignored, but make it a new image.
    const mark = latin1(`${nth}-${random.whole(0, 1_000_000_000)}`);
    return { kind: name, bytes: Buffer.concat([await make(), mark]), must };
  },
});
