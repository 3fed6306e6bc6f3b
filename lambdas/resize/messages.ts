import * as z from 'zod';
import { requestedEventName } from '../aws/resize-requests.ts';
import { ImageError } from '../image/errors.ts';
import { idOfOriginalKey } from '../image/keys.ts';
import type { Delivery } from '../runtime/delivery.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Resize } from './resize.ts';

/** What resize uses of an S3 event notification (S3 User Guide, "Event message structure"). */
const notification = z.union([
  z.object({
    Records: z.array(
      z.object({
        eventName: z.string(),
        eventTime: z.iso.datetime().optional(),
        s3: z.object({ object: z.object({ key: z.string() }) }),
      }),
    ),
  }),
  // Sent once, when the notification is set up.
  z.object({ Event: z.literal('s3:TestEvent') }).transform(() => ({ Records: [] })),
]);

interface CreatedObject {
  readonly key: string;
  /** When S3 stored it; undefined for messages that S3 did not send. */
  readonly storedAt: Date | undefined;
}

/** S3 URL-encodes keys as in HTML forms: a space becomes `+`. */
export const parseCreatedObjects = (body: string): readonly CreatedObject[] =>
  notification
    .parse(JSON.parse(body))
    .Records.filter(({ eventName }) => eventName.startsWith('ObjectCreated:'))
    .map(({ eventName, eventTime, s3 }) => ({
      key: decodeURIComponent(s3.object.key.replaceAll('+', ' ')),
      storedAt: eventTime === undefined || eventName === requestedEventName ? undefined : new Date(eventTime),
    }));

/**
 * A dead letter that is redriven is counted from 1 again (SQS Developer Guide, "Configure a dead-letter
 * queue redrive"). Its S3 event is then older than this limit: a message becomes a dead letter after four
 * visibility timeouts.
 */
const freshMilliseconds = 60_000;

/** Whether certainly no worker has received this message before. */
const isFirst = ({ storedAt }: CreatedObject, { receiveCount }: Delivery): boolean =>
  receiveCount === 1 && storedAt !== undefined && Date.now() - storedAt.getTime() < freshMilliseconds;

export interface MessageHandlerProps {
  readonly resize: Resize;
  readonly metrics: Metrics;
  readonly log: Log;
}

/**
 * Processes the body of one queue message. An image that fails is logged once, with its code.
 *
 * @throws any temporary error, so that the queue delivers the message again
 */
export const createMessageHandler = ({ resize, metrics, log }: MessageHandlerProps) => {
  const handle = async (object: CreatedObject, delivery: Delivery): Promise<void> => {
    const { key, storedAt } = object;
    const imageId = idOfOriginalKey(key);
    if (imageId === undefined) {
      log.warn('object ignored', { key, reason: 'the key does not name an original' });
      return;
    }
    try {
      const isFirstDelivery = isFirst(object, delivery);
      const outcome = await resize({ id: imageId, storedAt, isFirstDelivery });
      if (outcome.result === 'deleted') {
        log.info('image is deleted, what arrived of it is removed', { imageId });
        return;
      }
      const { record, result, reason } = outcome;
      const { original, thumbnails, resizeMilliseconds, uploadToReadyMilliseconds, error } = record;
      if (result === 'nothing-to-do') log.info('nothing left to do', { imageId });
      else if (result === 'moved') log.info('moved to the slow lane', { imageId });
      else if (error) log.warn('image refused', { imageId, ...error, reason });
      else {
        const took = { resizeMilliseconds, uploadToReadyMilliseconds };
        log.info('thumbnails stored', { imageId, original, thumbnails, ...took, reason });
      }
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      log.warn('image refused', { imageId, ...error.failure });
    }
  };

  return async (body: string, delivery: Delivery): Promise<void> => {
    try {
      for (const object of parseCreatedObjects(body)) await handle(object, delivery);
    } catch (error) {
      metrics.record({ Retries: 1 });
      throw error;
    }
  };
};
