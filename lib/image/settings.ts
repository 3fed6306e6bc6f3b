import type { Retention } from '../../lambdas/image/retention.ts';
import { field, flag, objectLike, orNull, setting, wholeNumber } from '../setting.ts';

const days = orNull(wholeNumber(1, 36_500));

const retentionSchema = objectLike('{"originalDays": 30, …}', {
  originalDays: field(days, null).describe(
    'Days after its upload when an original is removed; its thumbnails stay. null keeps it as long as the image.',
  ),
  imageDays: field(days, null).describe(
    'Days after its upload when an image is deleted with everything that belongs to it; null keeps it.',
  ),
  failedDays: field(days, null).describe(
    'Days after its failure when an image without thumbnails is deleted; null applies `imageDays`.',
  ),
});

export const imageSettings = {
  retention: setting(retentionSchema, {}).describe('How long originals and images are kept.'),
  versioning: setting(flag(), false).describe(
    'Keeps what is removed from the image buckets or overwritten there for 7 more days; a deletion of an image removes that too.',
  ),
};

type Refuse = (path: string[], message: string) => void;

/** Refuses periods that contradict each other. */
export const checkRetention = ({ retention }: { readonly retention: Retention }, refuse: Refuse): void => {
  const { imageDays } = retention;
  if (imageDays === null) return;
  for (const name of ['originalDays', 'failedDays'] as const) {
    if ((retention[name] ?? 0) > imageDays) {
      refuse(['retention', name], `not more than retention.imageDays (${imageDays})`);
    }
  }
};
