import { latin1, u16be, u32be } from '../trials/hostile/numbers.ts';

export type Chromaticity = readonly [x: number, y: number];
export type Primaries = readonly [red: Chromaticity, green: Chromaticity, blue: Chromaticity];

/** ITU-R BT.709, SMPTE EG 432-1 (P3) and Adobe RGB (1998). */
export const primaries = {
  srgb: [
    [0.64, 0.33],
    [0.3, 0.6],
    [0.15, 0.06],
  ],
  p3: [
    [0.68, 0.32],
    [0.265, 0.69],
    [0.15, 0.06],
  ],
  adobe: [
    [0.64, 0.33],
    [0.21, 0.71],
    [0.15, 0.06],
  ],
} as const satisfies Record<string, Primaries>;

type Row = readonly [number, number, number];
type Matrix = readonly [Row, Row, Row];

const d65: Row = [0.3127 / 0.329, 1, (1 - 0.3127 - 0.329) / 0.329];
const d50: Row = [0.9642, 1, 0.8249];

const dot = (one: Row, other: Row): number => one[0] * other[0] + one[1] * other[1] + one[2] * other[2];
const column = (matrix: Matrix, index: 0 | 1 | 2): Row => [
  matrix[0][index],
  matrix[1][index],
  matrix[2][index],
];
const times = (matrix: Matrix, vector: Row): Row => [
  dot(matrix[0], vector),
  dot(matrix[1], vector),
  dot(matrix[2], vector),
];
const product = (one: Matrix, other: Matrix): Matrix => {
  const row = (line: Row): Row => [
    dot(line, column(other, 0)),
    dot(line, column(other, 1)),
    dot(line, column(other, 2)),
  ];
  return [row(one[0]), row(one[1]), row(one[2])];
};
const inverse = ([[a, b, c], [d, e, f], [g, h, i]]: Matrix): Matrix => {
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const over = (x: number, y: number, z: number): Row => [x / determinant, y / determinant, z / determinant];
  return [
    over(e * i - f * h, c * h - b * i, b * f - c * e),
    over(f * g - d * i, a * i - c * g, c * d - a * f),
    over(d * h - e * g, b * g - a * h, a * e - b * d),
  ];
};

const bradford: Matrix = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];

/** Linear RGB with a white of D65 to XYZ as ICC profiles have it: with a white of D50. */
const toProfileXyz = (given: Primaries): Matrix => {
  const xyz = given.map(([x, y]): Row => [x / y, 1, (1 - x - y) / y]);
  const [red = d65, green = d65, blue = d65] = xyz;
  const unscaled: Matrix = [
    [red[0], green[0], blue[0]],
    [red[1], green[1], blue[1]],
    [red[2], green[2], blue[2]],
  ];
  const [r, g, b] = times(inverse(unscaled), d65);
  const scaledRow = (row: Row): Row => [row[0] * r, row[1] * g, row[2] * b];
  const matrix: Matrix = [scaledRow(unscaled[0]), scaledRow(unscaled[1]), scaledRow(unscaled[2])];
  const from = times(bradford, d65);
  const to = times(bradford, d50);
  const adapt: Matrix = [
    [to[0] / from[0], 0, 0],
    [0, to[1] / from[1], 0],
    [0, 0, to[2] / from[2]],
  ];
  return product(product(inverse(bradford), product(adapt, bradford)), matrix);
};

const s15Fixed16 = (value: number): Buffer => u32be(Math.round(value * 65_536));
const xyzTag = (values: Row): Buffer => Buffer.concat([latin1('XYZ \0\0\0\0'), ...values.map(s15Fixed16)]);
const gammaTag = (gamma: number): Buffer =>
  Buffer.concat([latin1('curv\0\0\0\0'), u32be(1), u16be(Math.round(gamma * 256)), u16be(0)]);
/** The curve of sRGB (IEC 61966-2-1) as a parametric curve of type 3. */
const srgbCurveTag = (): Buffer =>
  Buffer.concat([
    latin1('para\0\0\0\0'),
    u16be(3),
    u16be(0),
    ...[2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045].map(s15Fixed16),
  ]);
const textTag = (text: string): Buffer =>
  Buffer.concat([
    latin1('mluc\0\0\0\0'),
    u32be(1),
    u32be(12),
    latin1('enUS'),
    u32be(2 * text.length),
    u32be(28),
    Buffer.from(text, 'utf16le').swap16(),
  ]);

/** ICC.1:2010, section 7: header, table of tags, tags. */
const profileOf = (space: 'RGB ' | 'GRAY', tags: readonly (readonly [string, Buffer])[]): Buffer => {
  const all = [...tags, ['desc', textTag('Test')] as const, ['cprt', textTag('None')] as const];
  const table: Buffer[] = [u32be(all.length)];
  const bodies: Buffer[] = [];
  let at = 128 + 4 + 12 * all.length;
  for (const [name, body] of all) {
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    table.push(latin1(name), u32be(at), u32be(body.length));
    bodies.push(padded);
    at += padded.length;
  }
  const header = Buffer.alloc(128);
  header.writeUInt32BE(at, 0);
  header.writeUInt32BE(0x04300000, 8);
  header.write(`mntr${space}XYZ `, 12, 'latin1');
  header.writeUInt16BE(2026, 24);
  header.writeUInt16BE(1, 26);
  header.writeUInt16BE(1, 28);
  header.write('acsp', 36, 'latin1');
  Buffer.concat(d50.map(s15Fixed16)).copy(header, 68);
  return Buffer.concat([header, ...table, ...bodies]);
};

/** A profile of three primaries and one curve. */
export const rgbProfile = (given: Primaries, curve: number | 'srgb'): Buffer => {
  const matrix = toProfileXyz(given);
  const curveTag = curve === 'srgb' ? srgbCurveTag() : gammaTag(curve);
  return profileOf('RGB ', [
    ['wtpt', xyzTag(d50)],
    ['rXYZ', xyzTag(column(matrix, 0))],
    ['gXYZ', xyzTag(column(matrix, 1))],
    ['bXYZ', xyzTag(column(matrix, 2))],
    ['rTRC', curveTag],
    ['gTRC', curveTag],
    ['bTRC', curveTag],
  ]);
};

export const greyProfile = (gamma: number): Buffer =>
  profileOf('GRAY', [
    ['wtpt', xyzTag(d50)],
    ['kTRC', gammaTag(gamma)],
  ]);

export const profiles = {
  p3: rgbProfile(primaries.p3, 'srgb'),
  adobe: rgbProfile(primaries.adobe, 563 / 256),
  srgb: rgbProfile(primaries.srgb, 'srgb'),
  linear: rgbProfile(primaries.srgb, 1),
  grey18: greyProfile(1.8),
} as const;
