import type { Monitored } from '../constructs/monitored.ts';

/** One of the ways to run the code that resizes: as functions of Lambda, or in containers. */
export interface Compute {
  /** Messages that wait in the resize queue while the service keeps up. */
  readonly steadyBacklog: number;
  readonly monitored: Monitored;
}
