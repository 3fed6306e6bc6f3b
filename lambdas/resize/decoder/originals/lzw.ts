/*
 * LZW as in GIF89a, appendix F, as far as it is right: a wrong code ends the data. Both walks take time
 * linear in the codes and the pixels.
 */

const maxCodeBits = 12;
const maxCodes = 1 << maxCodeBits;

/** After the table was cleared, no code is before the next one. */
const none = -1;

/**
 * Is called with each code and the one before it. The pixels of that and the first one of this become the
 * table's entry number `next`, which is `code` itself where a code is used as it is made.
 *
 * @returns whether to go on
 */
type Visit = (code: number, previous: number, next: number) => boolean;

/** Visits the codes until their end, a wrong one, or the end of the data. */
const walk = (data: Uint8Array, codeBits: number, visit: Visit): void => {
  if (codeBits < 1 || codeBits > 8) return;
  const clear = 1 << codeBits;
  let bits = codeBits + 1;
  let next = clear + 2;
  let previous = none;
  let window = 0;
  let filled = 0;
  for (let at = 0; at < data.byteLength; at += 1) {
    window |= (data[at] ?? 0) << filled;
    filled += 8;
    while (filled >= bits) {
      const code = window & ((1 << bits) - 1);
      window >>>= bits;
      filled -= bits;
      if (code === clear) {
        bits = codeBits + 1;
        next = clear + 2;
        previous = none;
        continue;
      }
      if (code === clear + 1) return;
      const isWrong = previous === none ? code > clear : code > next || (code === next && next >= maxCodes);
      if (isWrong || !visit(code, previous, next)) return;
      if (previous !== none && next < maxCodes) {
        next += 1;
        if (next === 1 << bits && bits < maxCodeBits) bits += 1;
      }
      previous = code;
    }
  }
};

/** How many pixels the data has, at most `wanted`. */
export const lzwPixels = (data: Uint8Array, codeBits: number, wanted: number): number => {
  const lengths = new Uint32Array(maxCodes).fill(1);
  let pixels = 0;
  walk(data, codeBits, (code, previous, next) => {
    if (previous !== none && next < maxCodes) lengths[next] = (lengths[previous] ?? 0) + 1;
    pixels += lengths[code] ?? 0;
    return pixels < wanted;
  });
  return Math.min(pixels, wanted);
};

/** @param pixels as many as the data has */
export const decodeLzw = (data: Uint8Array, codeBits: number, pixels: number): Uint8Array => {
  const output = new Uint8Array(pixels);
  const starts = new Uint32Array(maxCodes);
  const lengths = new Uint32Array(maxCodes);
  const clear = 1 << codeBits;
  let at = 0;
  walk(data, codeBits, (code, previous, next) => {
    // The pixels of the previous code were just written, and the first one of this code follows them.
    if (previous !== none && next < maxCodes) {
      const length = previous < clear ? 1 : (lengths[previous] ?? 0);
      starts[next] = at - length;
      lengths[next] = length + 1;
    }
    if (code < clear) {
      output[at] = code;
      at += 1;
    } else {
      const start = starts[code] ?? 0;
      const end = Math.min(pixels, at + (lengths[code] ?? 0));
      for (let from = start; at < end; from += 1, at += 1) output[at] = output[from] ?? 0;
    }
    return at < pixels;
  });
  return output;
};
