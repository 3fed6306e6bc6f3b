import { randomUUID } from 'node:crypto';
import { CloudFormationClient, UpdateTerminationProtectionCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, GetItemCommand, ListTablesCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SNSClient, SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { eventually } from './api.ts';
import type { Outputs } from './cdk.ts';
import { credentials, region } from './emulator.ts';

/** The resources of an account, except those of `cdk bootstrap`. */
export interface Inventory {
  readonly buckets: readonly string[];
  readonly tables: readonly string[];
  readonly queues: readonly string[];
}

/** The account of the deployment, as its owner. */
export interface Account {
  inventory(): Promise<Inventory>;
  /** How many messages are in a queue or in flight. */
  messagesIn(queueUrl: string): Promise<number>;
  /** Waits until a queue is empty. */
  drained(queueUrl: string): Promise<void>;
  /** Type, length and date of an object; undefined if there is none. */
  object(bucket: string, key: string): Promise<StoredObject | undefined>;
  bytesOf(bucket: string, key: string): Promise<Uint8Array>;
  keysUnder(bucket: string, prefix: string): Promise<readonly string[]>;
  item(table: string, id: string): Promise<Readonly<Record<string, unknown>> | undefined>;
  putItem(table: string, item: Readonly<Record<string, unknown>>): Promise<void>;
  /**
   * Subscribes a new queue to a topic during a step.
   *
   * @param step gets a function that returns all events so far, in no order
   */
  listenTo<Result>(
    topicArn: string,
    step: (heard: () => Promise<readonly string[]>) => Promise<Result>,
  ): Promise<Result>;
  /** Sets the visibility timeout of a queue. */
  hideFor(queueUrl: string, seconds: number): Promise<void>;
  /** Sends a message to a queue. */
  send(queueUrl: string, body: string): Promise<void>;
  /** Sets the tag that allows CDK to empty a bucket: CloudFormation sets it, but the emulator loses it. */
  allowEmptying(bucket: string): Promise<void>;
  /** Switches the termination protection of a stack off. */
  allowDestroying(stackName: string): Promise<void>;
}

export interface StoredObject {
  readonly contentType: string | undefined;
  readonly bytes: number | undefined;
  readonly writtenAt: string | undefined;
}

const nameOfQueue = (url: string): string => url.split('/').at(-1) ?? '';

/** The resources of a stack that hold data. */
export const inventoryOf = (stack: Outputs): Inventory => ({
  buckets: [stack.RawBucketName, stack.ThumbnailBucketName].sort(),
  tables: [
    stack.CatalogTableName,
    stack.AdmissionTableName,
    stack.MailRequestsTableName,
    stack.OwnersTableName,
  ]
    .filter((name) => name !== undefined)
    .sort(),
  queues: [
    stack.ResizeQueueUrl,
    stack.SlowResizeQueueUrl,
    stack.SlowResizeDeadLetterQueueUrl,
    stack.ResizeDeadLetterQueueUrl,
    stack.DeleteQueueUrl,
    stack.DeleteDeadLetterQueueUrl,
    stack.NotifyQueueUrl,
    stack.NotifyDeadLetterQueueUrl,
  ]
    .flatMap((url) => (url === undefined ? [] : [nameOfQueue(url)]))
    .sort(),
});

export const createAccount = (endpoint: string): Account => {
  const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const sqs = new SQSClient({ endpoint, region, credentials, useQueueUrlAsEndpoint: false });
  const sns = new SNSClient({ endpoint, region, credentials });
  const dynamodb = new DynamoDBClient({ endpoint, region, credentials });
  const cloudFormation = new CloudFormationClient({ endpoint, region, credentials });

  const messagesIn = async (queueUrl: string): Promise<number> => {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: queueUrl,
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    expect(Object.keys(Attributes)).toHaveLength(2);
    return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
  };

  return {
    async inventory() {
      const { Buckets = [] } = await s3.send(new ListBucketsCommand());
      const { TableNames = [] } = await dynamodb.send(new ListTablesCommand());
      const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand());
      const buckets = Buckets.map(({ Name = '' }) => Name).filter((name) => !name.startsWith('cdk-'));
      return {
        buckets: buckets.sort(),
        tables: TableNames.sort(),
        queues: QueueUrls.map(nameOfQueue).sort(),
      };
    },

    messagesIn,

    async drained(queueUrl) {
      const left = await eventually(
        () => messagesIn(queueUrl),
        (count) => count === 0,
      );
      expect(left).toBe(0);
    },

    async object(Bucket, Key) {
      try {
        const { ContentType, ContentLength, LastModified } = await s3.send(
          new HeadObjectCommand({ Bucket, Key }),
        );
        return {
          contentType: ContentType,
          bytes: ContentLength,
          writtenAt: LastModified?.toISOString(),
        };
      } catch (error) {
        if (error instanceof Error && error.name === 'NotFound') return undefined;
        throw error;
      }
    },

    async bytesOf(Bucket, Key) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      if (Body === undefined) throw new Error(`${Key} has no bytes`);
      return Body.transformToByteArray();
    },

    async keysUnder(Bucket, Prefix) {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
      return Contents.map(({ Key = '' }) => Key);
    },

    async item(TableName, id) {
      const { Item } = await dynamodb.send(
        new GetItemCommand({ TableName, Key: marshall({ id }), ConsistentRead: true }),
      );
      return Item && unmarshall(Item);
    },

    async putItem(TableName, item) {
      await dynamodb.send(new PutItemCommand({ TableName, Item: marshall(item) }));
    },

    async listenTo(TopicArn, step) {
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: `listener-${randomUUID()}` }));
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
      );
      const queueArn = Attributes?.['QueueArn'];
      const Policy = JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 'sns.amazonaws.com' },
            Action: 'sqs:SendMessage',
            Resource: queueArn,
            Condition: { ArnEquals: { 'aws:SourceArn': TopicArn } },
          },
        ],
      });
      await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
      const { SubscriptionArn } = await sns.send(
        new SubscribeCommand({
          TopicArn,
          Protocol: 'sqs',
          Endpoint: queueArn,
          Attributes: { RawMessageDelivery: 'true' },
        }),
      );
      const bodies: string[] = [];
      const heard = async () => {
        for (;;) {
          const { Messages = [] } = await sqs.send(
            new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
          );
          if (Messages.length === 0) return bodies;
          for (const { Body = '', ReceiptHandle } of Messages) {
            bodies.push(Body);
            await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
          }
        }
      };
      try {
        return await step(heard);
      } finally {
        await sns.send(new UnsubscribeCommand({ SubscriptionArn }));
        await sqs.send(new DeleteQueueCommand({ QueueUrl }));
      }
    },

    async hideFor(QueueUrl, seconds) {
      const Attributes = { VisibilityTimeout: String(seconds) };
      await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
    },

    async send(QueueUrl, MessageBody) {
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    },

    async allowEmptying(Bucket) {
      const TagSet = [{ Key: 'aws-cdk:auto-delete-objects', Value: 'true' }];
      await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
    },

    async allowDestroying(StackName) {
      await cloudFormation.send(
        new UpdateTerminationProtectionCommand({ StackName, EnableTerminationProtection: false }),
      );
    },
  };
};
