import * as z from 'zod';
import { wholeNumber } from '../environment.ts';

/** What the reconciler reads from its environment, in whichever way it runs. */
export const reconcileEnvironment = z.object({
  RAW_BUCKET: z.string().min(1),
  CATALOG_TABLE: z.string().min(1),
  RESIZE_QUEUE_URL: z.string().min(1),
  /** How long an image may stay `received` before it counts as lost. */
  OVERDUE_SECONDS: wholeNumber,
});

export type ReconcileEnvironment = z.input<typeof reconcileEnvironment>;
