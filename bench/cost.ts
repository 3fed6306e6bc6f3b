import { imageUsage, totalOf } from '../bin/docs/image-usage.ts';
import { times, usdOf } from '../lib/cost/prices.ts';

/** What one photo took, as measured. */
export interface PhotoCost {
  readonly bytes: number;
  readonly ingestWallMilliseconds: number;
  readonly ingestCpuMilliseconds: number;
  readonly resizeWallMilliseconds: number;
  readonly resizeCpuMilliseconds: number;
}

/** Dollars for a million such photos, line by line. */
export interface Estimate {
  readonly mode: 'lambda' | 'fargate';
  readonly lines: Readonly<Record<string, number>>;
  readonly usd: number;
}

const million = 1_000_000;

/** The share of their paid time in which tasks are busy: the target of the scaling. */
const utilisation = 0.6;

/**
 * A million photos, in both modes. Times are those of this machine, whose cores are neither Lambda's nor
 * Fargate's, with services that answer within a millisecond or two; everything else is counted.
 */
export const estimatesFor = (photo: PhotoCost): readonly Estimate[] => {
  const functions = imageUsage({
    ingest: 'function',
    resize: 'function',
    bodyBytes: photo.bytes,
    ingestSeconds: photo.ingestWallMilliseconds / 1000,
    resizeSeconds: photo.resizeWallMilliseconds / 1000,
  });
  const containers = imageUsage({
    ingest: 'task',
    resize: 'worker',
    bodyBytes: photo.bytes,
    ingestSeconds: photo.ingestCpuMilliseconds / 1000 / utilisation,
    resizeSeconds: photo.resizeCpuMilliseconds / 1000 / utilisation,
  });
  return [
    { mode: 'lambda' as const, lines: functions },
    { mode: 'fargate' as const, lines: containers },
  ].map(({ mode, lines }) => ({
    mode,
    lines: Object.fromEntries(lines.map(({ what, usage }) => [what, usdOf(times(million, usage))])),
    usd: usdOf(times(million, totalOf(lines))),
  }));
};
