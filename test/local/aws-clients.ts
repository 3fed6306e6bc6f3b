import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { createCatalog } from '../../lambdas/aws/catalog.ts';
import { createS3Client } from '../../lambdas/aws/clients.ts';
import { createOriginals } from '../../lambdas/aws/originals.ts';
import { imageIdOf } from '../../lambdas/image/id.ts';
import { createMailRequests } from '../../lambdas/notify/mail-requests.ts';
import { deadLetterQueueOf, queueUrl, region, resources } from '../../local/aws.ts';
import { type Credentials, dataFolderOf, readCredentials } from '../../local/data-folder.ts';
import { endpointOf, type Ports } from '../../local/ports.ts';
import { until } from './local-run.ts';

/** Where embedded services run, or have run. */
export interface Place {
  readonly folder: string;
  readonly ports: Ports;
}

export const credentialsOf = ({ folder, ports }: Place): Credentials =>
  readCredentials(join(folder, dataFolderOf(ports.api)));

/** What a client of the services needs besides their addresses. */
export const accountOf = (place: Place) => ({ region, credentials: credentialsOf(place) });

const lanes = [resources.resizeQueue, resources.slowResizeQueue];

/** Looks into the services of a run, past the API. */
export const awsClients = (place: Place) => {
  const { ports } = place;
  const account = accountOf(place);
  const s3 = createS3Client({ ...account, endpoint: endpointOf(ports.s3), forcePathStyle: true });
  const dynamodb = new DynamoDBClient({ ...account, endpoint: endpointOf(ports.dynamodb) });
  const sqs = new SQSClient({ ...account, endpoint: endpointOf(ports.sqs) });
  const urlOf = (queue: string) => queueUrl(endpointOf(ports.sqs), queue);
  const catalog = createCatalog(resources.catalogTable, dynamodb);
  const originals = createOriginals(s3, resources.rawBucket);
  const mailRequests = createMailRequests(resources.mailRequestsTable, dynamodb);

  /** How many messages of a queue wait, and how many are handed out. */
  const messagesOf = async (queue: string) => {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: urlOf(queue),
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    return {
      waiting: Number(Attributes?.['ApproximateNumberOfMessages']),
      inHand: Number(Attributes?.['ApproximateNumberOfMessagesNotVisible']),
    };
  };

  const queued = async (queue: string): Promise<number> => {
    const { waiting, inHand } = await messagesOf(queue);
    return waiting + inHand;
  };

  const queuedInAll = async (queues: readonly string[]): Promise<number> => {
    const counts = await Promise.all(queues.map(queued));
    return counts.reduce((sum, count) => sum + count, 0);
  };

  return {
    dynamodb,
    sqs,
    urlOf,
    catalog,
    originals,
    mailRequests,

    /** Takes an image in as ingest does. */
    async take(image: Buffer): Promise<string> {
      const id = imageIdOf(image);
      await catalog.receive(id, { bytes: image.byteLength }, new Date());
      await originals.put(id, image, 'image/jpeg');
      return id;
    },

    async thumbnail(key: string): Promise<Uint8Array> {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: resources.thumbnailBucket, Key: key }));
      if (Body === undefined) throw new Error(`There is no ${key}`);
      return Body.transformToByteArray();
    },

    messages: () => messagesOf(resources.resizeQueue),
    messagesOf,
    /** Messages in the queues of both lanes, those in hand included. */
    queued: () => queuedInAll(lanes),
    deadLetters: () => queuedInAll(lanes.map(deadLetterQueueOf)),
    /** From then on what the workers printed before they were done has also been read. */
    async untilNothingQueued(queue: string = resources.resizeQueue): Promise<void> {
      await until('an empty queue', async () => (await queued(queue)) === 0 || undefined);
      await nextTurn();
    },

    /** Takes a message out of the queue and does nothing about it. */
    async loseMessage(): Promise<void> {
      const QueueUrl = urlOf(resources.resizeQueue);
      const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
      const [message] = Messages ?? [];
      if (message === undefined) throw new Error('There was no message to lose.');
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
    },
  };
};

export type AwsClients = ReturnType<typeof awsClients>;
