/** Runs a task as soon as there is a place for it. The task learns whether others wait for one. */
export type Gate = <Result>(task: (isCrowded: boolean) => Promise<Result>) => Promise<Result>;

/** Lets so many tasks run at once; the others wait for their turn, in the order in which they came. */
export const createGate = (places: number): Gate => {
  const waiting: (() => void)[] = [];
  let free = places;
  return async (task) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task(waiting.length > 0);
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
};
