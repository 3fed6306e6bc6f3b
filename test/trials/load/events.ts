import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { originalKey } from '../../../lambdas/image/keys.ts';
import { queueUrl, resources } from '../../../local/aws.ts';
import { endpointOf } from '../../../local/ports.ts';
import { createdMessage } from '../../events.ts';
import { accountOf, type Place } from '../../local/aws-clients.ts';
import type { Random } from '../random.ts';

/** Sends events again or early: S3 guarantees no order, and that each arrives at least once. */
export interface Disturbance {
  /** Call it before an upload. */
  before(id: string): Promise<void>;
  /** Call it after the reply to an upload. */
  after(id: string): Promise<void>;
  /** Sends the events that are still held back. */
  flush(): Promise<void>;
  /** Events sent so far; a message may contain several. */
  sent(): number;
}

/** How likely an event is sent before its original, again after it, and again when the image is ready. */
const early = 0.1;
const again = 0.4;
const late = 0.1;
/** Events that are held back and shuffled. */
const heldBack = 60;

export const createDisturbance = (place: Place, random: Random): Disturbance => {
  const endpoint = endpointOf(place.ports.sqs);
  const sqs = new SQSClient({ ...accountOf(place), endpoint });
  const QueueUrl = queueUrl(endpoint, resources.resizeQueue);
  const known: string[] = [];
  let held: string[] = [];
  let sent = 0;

  const send = async (ids: readonly string[]): Promise<void> => {
    sent += ids.length;
    await sqs.send(
      new SendMessageCommand({ QueueUrl, MessageBody: createdMessage(...ids.map(originalKey)) }),
    );
  };

  const flush = async (): Promise<void> => {
    const ids = random.shuffled(held);
    held = [];
    // One to three in a message.
    while (ids.length > 0) await send(ids.splice(0, random.whole(1, 3)));
  };

  return {
    before: async (id) => {
      if (random.next() < early) await send([id]);
    },
    after: async (id) => {
      known.push(id);
      if (random.next() < again) held.push(...Array.from({ length: random.whole(1, 3) }, () => id));
      if (random.next() < late) held.push(random.pick(known));
      if (held.length >= heldBack) await flush();
    },
    flush,
    sent: () => sent,
  };
};
