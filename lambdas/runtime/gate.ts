/** Too much is being worked on already: trying again a moment later may succeed. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
}

export interface GateProps {
  /** What the places are for, as an error says it. */
  readonly what: string;
  /** How many may be inside at once. */
  readonly places: number;
  /** How many may wait for a place; the next one is refused at once. */
  readonly maxWaiting: number;
  /** How long one waits for a place before it is refused. */
  readonly waitMilliseconds: number;
}

/** Lets a limited number in at once; the others wait in turn, a limited number of them for a limited time. */
export interface Gate {
  /**
   * @returns what gives the place back; calling it twice gives it back once
   * @throws BusyError when there is no place in time
   */
  enter(): Promise<() => void>;
}

export const createGate = ({ what, places, maxWaiting, waitMilliseconds }: GateProps): Gate => {
  let inside = 0;
  /** In the order in which they came: a Set keeps it, and forgets one in the middle at no cost. */
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

  return {
    async enter() {
      if (inside < places) return place();
      if (waiting.size >= maxWaiting) throw new BusyError(`${what}: ${waiting.size} are waiting already.`);
      const entered = Promise.withResolvers<() => void>();
      const enter = (): void => {
        waiting.delete(enter);
        clearTimeout(timer);
        entered.resolve(place());
      };
      const timer = setTimeout(() => {
        waiting.delete(enter);
        entered.reject(new BusyError(`${what}: no free place within ${waitMilliseconds} ms.`));
      }, waitMilliseconds);
      waiting.add(enter);
      return entered.promise;
    },
  };
};
