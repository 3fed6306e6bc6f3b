import type { Family, Sample } from '../input.ts';

/**
 * Cuts every sample at steps of this many bytes through its first thousand, as image-rs does, and then
 * anywhere.
 */
const stepBytes = 37;
const steps = Math.ceil(1000 / stepBytes);

/** Each seed starts with another cut, so that short runs add up. */
export const truncated = (samples: readonly Sample[], seed: number): Family => ({
  name: 'truncated',
  make(nth, random) {
    const turn = nth + (seed % (steps * samples.length));
    const { name, bytes } = samples[turn % samples.length] ?? random.pick(samples);
    const step = Math.floor(turn / samples.length) + 1;
    const at =
      step <= steps && step * stepBytes < bytes.length ? step * stepBytes : random.whole(1, bytes.length - 1);
    return { kind: `${name}-cut-at-${at}`, bytes: bytes.subarray(0, at) };
  },
});
