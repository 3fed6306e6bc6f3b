import { imageEventSchema } from '../image/event.ts';
import type { Notify } from './notify.ts';

/**
 * Works off the body of one queue message: an event as it was published (SNS Developer Guide, "Amazon SNS raw message
 * delivery").
 *
 * @throws for what is no event of this version, so that it ends among the dead letters; and what may succeed when tried again
 */
export const createMessageHandler =
  (notify: Notify) =>
  async (body: string): Promise<void> => {
    const { imageId } = imageEventSchema.parse(JSON.parse(body));
    await notify(imageId);
  };
