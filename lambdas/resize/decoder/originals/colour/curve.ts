import { gamma, type Transfer } from './transfer.ts';

/** A curve of a profile (ICC.1:2022, 10.6 and 10.18), or undefined if it is malformed. */
export const curveOf = (tag: Buffer): Transfer | undefined => {
  const type = tag.toString('latin1', 0, 4);
  if (tag.byteLength < 12) return undefined;
  if (type === 'curv') return sampledCurve(tag);
  return type === 'para' ? parametricCurve(tag) : undefined;
};

const sampledCurve = (tag: Buffer): Transfer | undefined => {
  const count = tag.readUInt32BE(8);
  const firstEntry = 12;
  if (count === 0) return gamma(1);
  if (firstEntry + 2 * count > tag.byteLength) return undefined;
  if (count === 1) return gamma(tag.readUInt16BE(firstEntry) / 256);
  const entry = (index: number): number => tag.readUInt16BE(firstEntry + 2 * index) / 65_535;
  return (sample) => {
    const position = sample * (count - 1);
    const index = Math.min(count - 2, Math.floor(position));
    return entry(index) + (position - index) * (entry(index + 1) - entry(index));
  };
};

/** How many parameters each type of function has, by its number (ICC.1:2022, table 68). */
const parameterCounts = [1, 3, 4, 5, 7];

const parametricCurve = (tag: Buffer): Transfer | undefined => {
  const type = tag.readUInt16BE(8);
  const count = parameterCounts[type];
  const firstParameter = 12;
  if (count === undefined || firstParameter + 4 * count > tag.byteLength) return undefined;
  const parameter = (index: number): number => tag.readInt32BE(firstParameter + 4 * index) / 65_536;
  const power = parameter(0);
  if (type === 0) return gamma(power);
  const [a, b] = [parameter(1), parameter(2)];
  // Types 1 and 2 are constant below the point where the power is of zero.
  const isConstant = type <= 2;
  const start = isConstant ? -b / a : parameter(4);
  const slope = isConstant ? 0 : parameter(3);
  const above = type === 2 ? parameter(3) : type === 4 ? parameter(5) : 0;
  const below = type === 2 ? parameter(3) : type === 4 ? parameter(6) : 0;
  return (sample) => (sample >= start ? (a * sample + b) ** power + above : slope * sample + below);
};
