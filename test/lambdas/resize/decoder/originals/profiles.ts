/*
 * ICC profiles, tag by tag (ICC.1:2022).
 */

const fixed = (number: number): number => Math.round(number * 65_536);

export const xyz = (...components: readonly [number, number, number]): Buffer => {
  const tag = Buffer.alloc(20);
  tag.write('XYZ ', 'latin1');
  components.forEach((component, index) => {
    tag.writeInt32BE(fixed(component), 8 + 4 * index);
  });
  return tag;
};

/** A curve that is a power. */
export const power = (exponent: number): Buffer => {
  const tag = Buffer.alloc(16);
  tag.write('curv', 'latin1');
  tag.writeUInt32BE(1, 8);
  tag.writeUInt16BE(Math.round(exponent * 256), 12);
  return tag;
};

/** A curve through these points, from 0 to 1. */
export const sampled = (points: readonly number[]): Buffer => {
  const tag = Buffer.alloc(12 + 2 * points.length);
  tag.write('curv', 'latin1');
  tag.writeUInt32BE(points.length, 8);
  points.forEach((point, index) => {
    tag.writeUInt16BE(Math.round(point * 65_535), 12 + 2 * index);
  });
  return tag;
};

/** A curve that is a function of this type. */
export const parametric = (type: number, ...parameters: readonly number[]): Buffer => {
  const tag = Buffer.alloc(12 + 4 * parameters.length);
  tag.write('para', 'latin1');
  tag.writeUInt16BE(type, 8);
  parameters.forEach((parameter, index) => {
    tag.writeInt32BE(fixed(parameter), 12 + 4 * index);
  });
  return tag;
};

export const cicp = (primaries: number, transfer: number): Buffer =>
  Buffer.concat([Buffer.from('cicp\0\0\0\0', 'latin1'), Buffer.from([primaries, transfer, 0, 1])]);

const tagBytes = 12;

export const profile = (space: 'RGB ' | 'GRAY' | 'CMYK', tags: Readonly<Record<string, Buffer>>): Buffer => {
  const entries = Object.entries({ wtpt: xyz(0.9642, 1, 0.8249), ...tags });
  const head = Buffer.alloc(132 + tagBytes * entries.length);
  head.writeUInt32BE(0x04400000, 8);
  head.write(`mntr${space}XYZ `, 12, 'latin1');
  head.write('acsp', 36, 'latin1');
  xyz(0.9642, 1, 0.8249).copy(head, 68, 8);
  head.writeUInt32BE(entries.length, 128);
  let offset = head.byteLength;
  entries.forEach(([name, tag], index) => {
    const at = 132 + tagBytes * index;
    head.write(name, at, 'latin1');
    head.writeUInt32BE(offset, at + 4);
    head.writeUInt32BE(tag.byteLength, at + 8);
    offset += tag.byteLength;
  });
  head.writeUInt32BE(offset, 0);
  return Buffer.concat([head, ...entries.map(([, tag]) => tag)]);
};

const adobePrimaries = {
  rXYZ: xyz(0.60974, 0.31111, 0.01947),
  gXYZ: xyz(0.20528, 0.62567, 0.06087),
  bXYZ: xyz(0.14919, 0.06322, 0.74457),
};

/** Primaries of Adobe RGB (1998). */
export const adobeRgb = (curve: Buffer = power(2.2), more: Readonly<Record<string, Buffer>> = {}): Buffer =>
  profile('RGB ', { ...adobePrimaries, rTRC: curve, gTRC: curve, bTRC: curve, ...more });

export const grey = (curve: Buffer): Buffer => profile('GRAY', { kTRC: curve });
