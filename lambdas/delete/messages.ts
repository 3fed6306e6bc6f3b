import * as z from 'zod';
import { imageIdPattern } from '../image/id.ts';
import type { Log } from '../runtime/log.ts';
import type { Delete } from './delete.ts';

/** A message of `DeletionRequests`. */
const requestSchema = z.object({ imageId: z.string().regex(imageIdPattern) });

/**
 * Processes the body of one queue message.
 *
 * @throws any error, so that the queue delivers the message again
 */
export const createMessageHandler =
  (deleteImage: Delete, log: Log) =>
  async (body: string): Promise<void> => {
    const { imageId } = requestSchema.parse(JSON.parse(body));
    const result = await deleteImage(imageId);
    log.info('deletion request handled', { imageId, result });
  };
