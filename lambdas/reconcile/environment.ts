import * as z from 'zod';
import { wholeNumber } from '../runtime/environment.ts';

/** What the reconciler reads from its environment, in whichever way it runs. */
export const reconcileEnvironment = z.object({
  RAW_BUCKET: z.string().min(1),
  CATALOG_TABLE: z.string().min(1),
  RESIZE_QUEUE_URL: z.string().min(1),
  SLOW_RESIZE_QUEUE_URL: z.string().min(1),
  /** How long an image may stay `received` before it counts as lost. */
  OVERDUE_SECONDS: wholeNumber,
  /** With more messages in the queue than these, an image that waits for long may just wait for its turn. */
  MAX_BACKLOG: wholeNumber,
});

export type ReconcileEnvironment = z.input<typeof reconcileEnvironment>;
