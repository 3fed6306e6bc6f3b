/** What all callers together may upload in one day of UTC. */
export interface DailyBudget {
  readonly uploads: number;
  readonly bytes: number;
  /** The largest single upload, in bytes. */
  readonly maxUploadBytes: number;
}

/** The part of a daily budget that one item of the table counts. */
export interface Share {
  readonly uploads: number;
  readonly bytes: number;
}

/**
 * Sixteen items accept 16,000 writes a second: one partition accepts 1,000 (DynamoDB Developer Guide,
 * "Partitions and data distribution").
 */
const maxShares = 16;

/** A smaller share is not worth an item: one partition accepts twice as many writes each second. */
const minUploadsOfShare = 500;

/** At most an eighth of a share is left over when the largest upload no longer fits. */
const minLargestUploadsOfShare = 8;

/** `amount` in `parts` whole parts that differ by one at most. */
const partsOf = (amount: number, parts: number): readonly number[] =>
  Array.from({ length: parts }, (_, index) => Math.floor((amount + index) / parts));

/**
 * Splits a daily budget into shares whose sum is exactly the budget. A small budget has few shares, because
 * one share cannot lend to another. The number follows from the settings alone, so that every process
 * computes the same one.
 */
export const sharesOf = ({ uploads, bytes, maxUploadBytes }: DailyBudget): readonly Share[] => {
  const wanted = Math.min(uploads / minUploadsOfShare, bytes / (minLargestUploadsOfShare * maxUploadBytes));
  const count = Math.max(1, Math.min(maxShares, Math.floor(wanted)));
  const bytesOf = partsOf(bytes, count);
  return partsOf(uploads, count).map((share, index) => ({ uploads: share, bytes: bytesOf[index] ?? 0 }));
};
