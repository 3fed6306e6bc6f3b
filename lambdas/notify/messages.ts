import { imageEventSchema } from '../image/event.ts';
import type { Notify } from './notify.ts';

/**
 * Processes one queue message: an event as it was published (SNS Developer Guide, "Amazon SNS raw message
 * delivery").
 *
 * @throws Error for a body that is no event, which ends in the dead-letter queue, and errors worth a retry
 */
export const createMessageHandler =
  (notify: Notify) =>
  async (body: string): Promise<void> => {
    const { imageId } = imageEventSchema.parse(JSON.parse(body));
    await notify(imageId);
  };
