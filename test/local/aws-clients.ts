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
import { lateCatalog } from '../late-catalog.ts';
import { until } from './local-run.ts';

/** Where emulators run, or have run. */
export interface Place {
  readonly folder: string;
  readonly ports: Ports;
}

export const credentialsOf = ({ folder, ports }: Place): Credentials =>
  readCredentials(join(folder, dataFolderOf(ports.api)));

/** The options of a client, except the endpoint. */
export const accountOf = (place: Place) => ({ region, credentials: credentialsOf(place) });

const lanes = [resources.resizeQueue, resources.slowResizeQueue];

/** Accesses the emulators of a run directly, without the API. */
export const awsClients = (place: Place) => {
  const { ports } = place;
  const account = accountOf(place);
  const s3 = createS3Client({ ...account, endpoint: endpointOf(ports.s3), forcePathStyle: true });
  const dynamodb = new DynamoDBClient({ ...account, endpoint: endpointOf(ports.dynamodb) });
  const sqs = new SQSClient({ ...account, endpoint: endpointOf(ports.sqs) });
  const urlOf = (queue: string) => queueUrl(endpointOf(ports.sqs), queue);
  const catalog = lateCatalog(createCatalog(resources.catalogTable, dynamodb));
  const originals = createOriginals(s3, resources.rawBucket);
  const mailRequests = createMailRequests(resources.mailRequestsTable, dynamodb);

  /** How many messages of a queue are visible, and how many are in flight. */
  const messagesOf = async (queue: string) => {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: urlOf(queue),
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    return {
      waiting: Number(Attributes?.['ApproximateNumberOfMessages']),
      inFlight: Number(Attributes?.['ApproximateNumberOfMessagesNotVisible']),
    };
  };

  const queued = async (queue: string): Promise<number> => {
    const { waiting, inFlight } = await messagesOf(queue);
    return waiting + inFlight;
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

    /** Stores an original as ingest does. */
    async upload(image: Buffer): Promise<string> {
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
    /** Messages in the queues of both lanes, those in flight included. */
    queued: () => queuedInAll(lanes),
    deadLetters: () => queuedInAll(lanes.map(deadLetterQueueOf)),
    /** Also waits until everything that the workers have printed has been read. */
    async untilNothingQueued(queue: string = resources.resizeQueue): Promise<void> {
      await until('an empty queue', async () => (await queued(queue)) === 0 || undefined);
      await nextTurn();
    },

    /** Deletes a message without processing it. */
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
