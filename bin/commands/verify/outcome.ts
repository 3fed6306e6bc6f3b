/** What a check saw, and whether that is as it must be. */
export interface Outcome {
  /**
   * `skipped`: it does not apply to this stack, or was not asked for. `unknown`: it applies, but could not be
   * made, for example because the credentials may not read something.
   */
  readonly status: 'held' | 'failed' | 'unknown' | 'skipped';
  /** One sentence for the operator. */
  readonly seen: string;
}

export const held = (seen: string): Outcome => ({ status: 'held', seen });
export const failed = (seen: string): Outcome => ({ status: 'failed', seen });
export const unknown = (seen: string): Outcome => ({ status: 'unknown', seen });
export const skipped = (seen: string): Outcome => ({ status: 'skipped', seen });

/** Failed with all faults, or held if there are none. */
export const judge = (faults: readonly string[], seen: string): Outcome =>
  faults.length === 0 ? held(seen) : failed(faults.join(' '));

/** Something is not as it must be: the check that throws it has failed. */
export class NotAsExpected extends Error {
  override readonly name = 'NotAsExpected';
}

/** `1 bucket`, `2 buckets` */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
