import type { Expand } from './tiff-compression.ts';

/*
 * Light in logarithms: Greg Ward's LogL and LogLuv, as libtiff's tif_luv.c describes them.
 */

/**
 * In each row come the highest bytes of all pixels, then the next ones, each as runs.
 *
 * @param bytesPerPixel 2 for LogL, 4 for LogLuv
 */
export const expandSgiLog =
  (bytesPerPixel: 2 | 4): Expand =>
  (data, expectedBytes, rowBytes) => {
    const bytes = Buffer.alloc(expectedBytes);
    let at = 0;
    let rows = 0;
    for (; (rows + 1) * rowBytes <= expectedBytes; rows += 1) {
      for (let plane = 0; plane < bytesPerPixel; plane += 1) {
        let to = rows * rowBytes + plane;
        const end = (rows + 1) * rowBytes;
        while (to < end) {
          if (at >= data.byteLength) return bytes.subarray(0, rows * rowBytes);
          const head = data[at] ?? 0;
          const isRun = head >= 128;
          const count = isRun ? head - 126 : head;
          for (let index = 0; index < count && to < end; index += 1, to += bytesPerPixel) {
            bytes[to] = data[at + 1 + (isRun ? 0 : index)] ?? 0;
          }
          at += isRun ? 2 : count + 1;
        }
      }
    }
    return bytes.subarray(0, rows * rowBytes);
  };

const luminanceOf = (bits: number): number => {
  const exponent = bits & 0x7f_ff;
  return exponent === 0 || bits >= 0x80_00 ? 0 : 2 ** ((exponent + 0.5) / 256 - 64);
};

/** libtiff shows light with a gamma of 2. */
const shown = (light: number): number => (light > 0 ? Math.min(1, Math.sqrt(light)) : 0);

/** The grey of one pixel of LogL, from 0 to 1. */
export const greyOfLog = (bytes: Buffer, at: number): number => shown(luminanceOf(bytes.readUInt16BE(at)));

/** The colours of one pixel of LogLuv, from 0 to 1: from CIE 1976 u' and v' to libtiff's primaries. */
export const writeRgbOfLog = (bytes: Buffer, at: number, line: Float32Array, to: number): void => {
  const Y = luminanceOf(bytes.readUInt16BE(at));
  const u = ((bytes[at + 2] ?? 0) + 0.5) / 410;
  const v = ((bytes[at + 3] ?? 0) + 0.5) / 410;
  const X = (Y * 9 * u) / (4 * v);
  const Z = (Y * (12 - 3 * u - 20 * v)) / (4 * v);
  line[to] = shown(2.69 * X - 1.276 * Y - 0.414 * Z);
  line[to + 1] = shown(-1.022 * X + 1.978 * Y + 0.044 * Z);
  line[to + 2] = shown(0.061 * X - 0.224 * Y + 1.163 * Z);
};
