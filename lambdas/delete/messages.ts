import * as z from 'zod';
import { parseCreatedObjects } from '../aws/created-objects.ts';
import { imageIdPattern } from '../image/id.ts';
import { arrivalOfKey } from '../image/keys.ts';
import type { ReceiveArrival } from '../owners/arrivals.ts';
import type { Log } from '../runtime/log.ts';
import type { Delete, DeleteResult } from './delete.ts';

/** A message of `DeletionRequests`, or something else. */
const messageSchema = z.union([
  z.object({ imageId: z.string() }),
  z.record(z.string(), z.unknown()).transform(() => ({ imageId: undefined })),
]);
const imageIdSchema = z.string().regex(imageIdPattern, 'imageId must be the id of an image');

const messages: Readonly<Record<DeleteResult, string>> = {
  deleted: 'image deleted',
  swept: 'what arrived late of a deleted image is removed',
  busy: 'another worker deletes the image',
  'nothing-to-do': 'nothing left to do',
};

/**
 * Processes the body of one queue message: a request to delete an image, or S3's event of an arrival.
 *
 * @param receiveArrival @default - callers are anonymous, and nothing arrives for one of them
 * @throws any error, so that the queue delivers the message again
 */
export const createMessageHandler = (deleteImage: Delete, log: Log, receiveArrival?: ReceiveArrival) => {
  const receiveAll = async (body: string): Promise<void> => {
    for (const { key } of parseCreatedObjects(body)) {
      const arrival = arrivalOfKey(key);
      if (arrival === undefined || receiveArrival === undefined) throw new Error(`Nothing expects ${key}.`);
      await receiveArrival(arrival);
    }
  };

  return async (body: string): Promise<void> => {
    const { imageId } = messageSchema.parse(JSON.parse(body));
    if (imageId === undefined) return receiveAll(body);
    log.info(messages[await deleteImage(imageIdSchema.parse(imageId))], { imageId });
  };
};
