import * as z from 'zod';

const days = z.int().positive().nullable();

/** For how many days what belongs to an image is kept; null is for ever. */
export const retentionSchema = z.object({
  /** The original, from its upload on. */
  originalDays: days,
  /** A `ready` image as a whole, from its upload on. */
  imageDays: days,
  /** A `failed` image as a whole, from its failure on. */
  failedDays: days,
});

export type Retention = Readonly<z.output<typeof retentionSchema>>;

export const keptForEver: Retention = { originalDays: null, imageDays: null, failedDays: null };

/** For how many days an image that ended so is kept; null is for ever. */
export const keptDays = ({ imageDays, failedDays }: Retention, ended: 'ready' | 'failed'): number | null =>
  ended === 'failed' ? (failedDays ?? imageDays) : imageDays;

export const millisecondsPerDay = 86_400_000;
