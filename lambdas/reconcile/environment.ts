import { type EnvironmentOf, text, wholeNumber } from '../runtime/environment.ts';

/** Values that the reconciler reads from its environment. */
export const reconcileEnvironment = {
  rawBucket: text,
  catalogTable: text,
  resizeQueueUrl: text,
  slowResizeQueueUrl: text,
  deleteQueueUrl: text,
  /** How long an image may stay `received` before it counts as lost. */
  overdueSeconds: wholeNumber,
  /** With more messages in the queue, an overdue image may only be waiting for its turn. */
  maxBacklog: wholeNumber,
};

export type ReconcileEnvironment = EnvironmentOf<typeof reconcileEnvironment>;
