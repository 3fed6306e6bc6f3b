import * as z from 'zod';
import { requestedEventName } from './resize-requests.ts';

/** The used part of an S3 event notification (S3 User Guide, "Event message structure"). */
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

export interface CreatedObject {
  readonly key: string;
  /** When S3 stored it; undefined for messages that S3 did not send. */
  readonly storedAt: Date | undefined;
}

/** The objects in an event of S3, which encodes their keys as in HTML forms: a space becomes `+`. */
export const parseCreatedObjects = (body: string): readonly CreatedObject[] =>
  notification
    .parse(JSON.parse(body))
    .Records.filter(({ eventName }) => eventName.startsWith('ObjectCreated:'))
    .map(({ eventName, eventTime, s3 }) => ({
      key: decodeURIComponent(s3.object.key.replaceAll('+', ' ')),
      storedAt: eventTime === undefined || eventName === requestedEventName ? undefined : new Date(eventTime),
    }));
