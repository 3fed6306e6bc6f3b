import { text } from '../runtime/environment.ts';

/** Values that the transformer of the lake reads from its environment. */
export const lakeEnvironment = {
  stackName: text,
};
