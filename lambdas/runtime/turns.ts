/** Runs a task when its turn comes. The task learns whether others still wait. */
export type Turns = <Result>(task: (isCrowded: boolean) => Promise<Result>) => Promise<Result>;

/** Runs a limited number of tasks at a time; the others wait, first come, first served. */
export const createTurns = (tasksAtOnce: number): Turns => {
  const waiting: (() => void)[] = [];
  let free = tasksAtOnce;
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
