/** How long a thumbnail counts as stored after it was seen. */
const rememberMilliseconds = 10 * 60_000;

/** Some 2 MB of memory. */
const maxKeys = 10_000;

/** The keys of objects that this process has seen lately, so that it does not look for them each time. */
export interface RecentKeys {
  has(key: string): boolean;
  add(key: string): void;
}

export const createRecentKeys = (): RecentKeys => {
  /** When each was seen, the oldest first. */
  const seenAt = new Map<string, number>();
  return {
    has: (key) => Date.now() - (seenAt.get(key) ?? Number.NEGATIVE_INFINITY) < rememberMilliseconds,
    add: (key) => {
      seenAt.delete(key);
      seenAt.set(key, Date.now());
      const [oldest] = seenAt.keys();
      if (seenAt.size > maxKeys && oldest !== undefined) seenAt.delete(oldest);
    },
  };
};
