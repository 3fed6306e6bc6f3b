import * as z from 'zod';
import { imageIdPattern } from '../image/id.ts';
import type { Log } from '../runtime/log.ts';
import type { Delete, DeleteResult } from './delete.ts';

/** A message of `DeletionRequests`. */
const requestSchema = z.object({ imageId: z.string().regex(imageIdPattern) });

const messages: Readonly<Record<DeleteResult, string>> = {
  deleted: 'image deleted',
  swept: 'what arrived late of a deleted image is removed',
  busy: 'another worker deletes the image',
  'nothing-to-do': 'nothing left to do',
};

/**
 * Processes the body of one queue message.
 *
 * @throws any error, so that the queue delivers the message again
 */
export const createMessageHandler =
  (deleteImage: Delete, log: Log) =>
  async (body: string): Promise<void> => {
    const { imageId } = requestSchema.parse(JSON.parse(body));
    log.info(messages[await deleteImage(imageId)], { imageId });
  };
