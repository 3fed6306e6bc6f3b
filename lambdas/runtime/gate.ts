/** Too much work is under way. A retry a moment later may succeed. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
}

export interface GateProps {
  /** Names the work in error messages. */
  readonly what: string;
  /** How many may be inside at a time. */
  readonly places: number;
  /** How many may wait for a place; the next one is refused immediately. */
  readonly maxWaiting: number;
  /** How long one waits for a place before it is refused. */
  readonly waitMilliseconds: number;
}

/** Admits a limited number at a time. Some others wait for a limited time, first come, first served. */
export interface Gate {
  /**
   * @returns a function that gives the place back; later calls of it do nothing
   * @throws BusyError when no place becomes free in time
   */
  enter(): Promise<() => void>;
  /**
   * Runs work inside.
   *
   * @throws BusyError when no place becomes free in time
   */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
}

export const createGate = ({ what, places, maxWaiting, waitMilliseconds }: GateProps): Gate => {
  let inside = 0;
  /** A Set keeps the order of arrival and deletes from the middle in constant time. */
  const waiting = new Set<() => void>();

  const place = (): (() => void) => {
    let isHeld = true;
    inside += 1;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      inside -= 1;
      const [next] = waiting;
      next?.();
    };
  };

  const enter = async (): Promise<() => void> => {
    if (inside < places) return place();
    if (waiting.size >= maxWaiting) throw new BusyError(`${what}: ${waiting.size} are waiting already.`);
    const entered = Promise.withResolvers<() => void>();
    const admit = (): void => {
      waiting.delete(admit);
      clearTimeout(timer);
      entered.resolve(place());
    };
    const timer = setTimeout(() => {
      waiting.delete(admit);
      entered.reject(new BusyError(`${what}: no free place within ${waitMilliseconds} ms.`));
    }, waitMilliseconds);
    waiting.add(admit);
    return entered.promise;
  };

  return {
    enter,
    async run(work) {
      const leave = await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
};
