/** A row of three numbers, as of an RGB or an XYZ colour. */
export type Triple = readonly [number, number, number];

/** Three rows. */
export type Matrix = readonly [Triple, Triple, Triple];

export const apply = ([x, y, z]: Matrix, v: Triple): Triple => [dot(x, v), dot(y, v), dot(z, v)];

/** Applies `second` after `first`. */
export const concat = (second: Matrix, first: Matrix): Matrix => {
  const [a, b, c] = transpose(first);
  return transpose([apply(second, a), apply(second, b), apply(second, c)]);
};

export const scale = ([x, y, z]: Triple): Matrix => [
  [x, 0, 0],
  [0, y, 0],
  [0, 0, z],
];

/** @returns undefined if the matrix has no inverse */
export const invert = ([a, b, c]: Matrix): Matrix | undefined => {
  const columns: Matrix = [cross(b, c), cross(c, a), cross(a, b)];
  const determinant = dot(a, columns[0]);
  if (!Number.isFinite(1 / determinant)) return undefined;
  const [x, y, z] = transpose(columns);
  const divided = ([p, q, r]: Triple): Triple => [p / determinant, q / determinant, r / determinant];
  return [divided(x), divided(y), divided(z)];
};

export const dot = ([a, b, c]: Triple, [x, y, z]: Triple): number => a * x + b * y + c * z;

const cross = ([a, b, c]: Triple, [x, y, z]: Triple): Triple => [b * z - c * y, c * x - a * z, a * y - b * x];

export const transpose = ([[a, b, c], [d, e, f], [g, h, i]]: Matrix): Matrix => [
  [a, d, g],
  [b, e, h],
  [c, f, i],
];
