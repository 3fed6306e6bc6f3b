import * as z from 'zod';
import { ImageError } from '../image/errors.ts';
import { idOfOriginalKey } from '../image/keys.ts';
import type { Log } from '../log.ts';
import type { Resize } from './resize.ts';

/** What resize uses of an S3 event notification (S3 User Guide, "Event message structure"). */
const notification = z.union([
  z.object({
    Records: z.array(
      z.object({ eventName: z.string(), s3: z.object({ object: z.object({ key: z.string() }) }) }),
    ),
  }),
  // Sent once, when the notification is set up.
  z.object({ Event: z.literal('s3:TestEvent') }).transform(() => ({ Records: [] })),
]);

/** The keys of the objects that a message says were created. S3 encodes them as forms do: a space arrives as `+`. */
export const createdKeys = (body: string): readonly string[] =>
  notification
    .parse(JSON.parse(body))
    .Records.filter(({ eventName }) => eventName.startsWith('ObjectCreated:'))
    .map(({ s3 }) => decodeURIComponent(s3.object.key.replaceAll('+', ' ')));

/**
 * Works off the body of one queue message. An image at fault is logged once, with its code, and done with.
 *
 * @throws what may succeed when tried again, so that the queue delivers the message again
 */
export const createMessageHandler =
  (resize: Resize, log: Log) =>
  async (body: string): Promise<void> => {
    for (const key of createdKeys(body)) {
      const imageId = idOfOriginalKey(key);
      if (imageId === undefined) {
        log.warn('object ignored', { key, reason: 'its key is not the hash of an upload' });
        continue;
      }
      try {
        const outcome = await resize(imageId);
        if (outcome === 'already-settled') log.info('nothing left to do', { imageId });
        else log.info('thumbnails stored', { imageId, ...outcome });
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        log.warn('image refused', { imageId, code: error.code, detail: error.message });
      }
    }
  };
