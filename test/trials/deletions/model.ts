/** A change of an image that took effect at some time between its start and its end. */
export interface Change {
  readonly does: 'upload' | 'delete';
  readonly startedAt: number;
  readonly endedAt: number;
}

export type Ending = 'ready' | 'deleted' | 'unknown';

/**
 * How an image may end: with any of the changes that no other one certainly followed. An image that was never
 * uploaded is unknown.
 */
export const endingsOf = (changes: readonly Change[]): ReadonlySet<Ending> => {
  if (changes.length === 0) return new Set(['unknown']);
  const lastStart = Math.max(...changes.map(({ startedAt }) => startedAt));
  const last = changes.filter(({ endedAt }) => endedAt >= lastStart);
  return new Set(last.map(({ does }) => (does === 'upload' ? 'ready' : 'deleted')));
};
