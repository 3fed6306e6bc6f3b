/** How the admission table is keyed, wherever it is created. */
export const admissionTable = {
  /**
   * `uploads#<day>#<shard>`: what a part of a day's budget has taken. `waiting#<number>`: a place for a
   * caller that waits.
   */
  partitionKey: 'id',
  /** Epoch seconds; DynamoDB deletes an item some time after it. */
  timeToLive: 'expiresAtSeconds',
} as const;

/** What all callers together may upload in one day of UTC. */
export interface DailyBudget {
  readonly uploads: number;
  readonly bytes: number;
  /** The largest single upload, in bytes. */
  readonly maxUploadBytes: number;
}

/** What one item of the table may count up to. */
export interface Share {
  readonly uploads: number;
  readonly bytes: number;
}

/**
 * Sixteen items take 16,000 writes a second: one partition takes 1,000 (DynamoDB Developer Guide, "Partitions
 * and data distribution").
 */
const maxShards = 16;

/** So many uploads are few enough for one item, whose partition takes twice as many writes each second. */
const minUploadsOfShare = 500;

/** What is left of a share when the largest upload no longer fits is at most an eighth of it. */
const minLargestUploadsOfShare = 8;

/** `amount` in `parts` whole parts that differ by one at most. */
const partsOf = (amount: number, parts: number): readonly number[] =>
  Array.from({ length: parts }, (_, index) => Math.floor((amount + index) / parts));

/**
 * The shares of a day's budget, whose sum is exactly the budget. A small budget has few: what is left of a
 * share cannot be lent to another. The number depends on settings only that are the same for every process.
 */
export const sharesOf = ({ uploads, bytes, maxUploadBytes }: DailyBudget): readonly Share[] => {
  const wanted = Math.min(uploads / minUploadsOfShare, bytes / (minLargestUploadsOfShare * maxUploadBytes));
  const count = Math.max(1, Math.min(maxShards, Math.floor(wanted)));
  const bytesOf = partsOf(bytes, count);
  return partsOf(uploads, count).map((share, index) => ({ uploads: share, bytes: bytesOf[index] ?? 0 }));
};

const dayMilliseconds = 86_400_000;

/** The day of UTC that a moment is in, and when the next one begins. */
export const dayOf = (milliseconds: number): { readonly day: string; readonly endsAt: Date } => ({
  day: new Date(milliseconds).toISOString().slice(0, 10),
  endsAt: new Date((Math.floor(milliseconds / dayMilliseconds) + 1) * dayMilliseconds),
});

export const secondsUntil = (moment: Date, nowMilliseconds: number): number =>
  Math.ceil((moment.getTime() - nowMilliseconds) / 1000);
