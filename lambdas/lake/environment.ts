import { text } from '../runtime/environment.ts';

/** Values that the transformer of the lake reads from its environment. */
export const lakeEnvironment = {
  /** Dimension of the metrics, which tells copies of the service apart. */
  stackName: text,
};
