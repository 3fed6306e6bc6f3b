import { GetBucketNotificationConfigurationCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { maySend } from '../../../../bin/commands/verify/checks/events.ts';
import { createContext, make } from './context.ts';

const bucketArn = 'arn:aws:s3:::raw';
const account = '111122223333';
const sources = [bucketArn, account];

const policy = (statement: object) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 's3.amazonaws.com' },
        Action: ['sqs:SendMessage', 'sqs:GetQueueUrl'],
        Resource: 'arn:aws:sqs:eu-west-1:111122223333:resize',
        Condition: { ArnLike: { 'aws:SourceArn': bucketArn } },
        ...statement,
      },
    ],
  });

test.each([
  ['its bucket', {}],
  ['buckets of its account', { Condition: { StringEquals: { 'aws:SourceAccount': account } } }],
])('finds that a queue accepts the events of %s', (_what, statement) => {
  expect(maySend(policy(statement), 's3.amazonaws.com', sources)).toBe(true);
});

test.each([
  ['there is no policy', undefined],
  ['the policy is empty', ''],
  ['it refuses', policy({ Effect: 'Deny' })],
  ['it is for another service', policy({ Principal: { Service: 'sns.amazonaws.com' } })],
  ['it is for another bucket', policy({ Condition: { ArnLike: { 'aws:SourceArn': `${bucketArn}-old` } } })],
  ['it allows something else', policy({ Action: 'sqs:GetQueueUrl' })],
])('finds that it does not: %s', (_what, text) => {
  expect(maySend(text, 's3.amazonaws.com', sources)).toBe(false);
});

describe('where callers are known', () => {
  const s3 = mockClient(S3Client);
  const sqs = mockClient(SQSClient);
  const deleteQueueUrl = 'https://sqs.example.com/delete';
  const context = createContext({
    allOutputs: { DeleteQueueUrl: deleteQueueUrl, OwnersTableName: 'owners' },
  });
  const configuration = (name: string, prefix: string) => ({
    QueueArn: `arn:${name}`,
    Events: ['s3:ObjectCreated:*' as const],
    Filter: { Key: { FilterRules: [{ Name: 'prefix' as const, Value: prefix }] } },
  });

  beforeEach(() => {
    s3.reset();
    sqs.reset();
    sqs.on(GetQueueAttributesCommand).callsFake(({ QueueUrl }) => ({
      Attributes: { QueueArn: `arn:${QueueUrl.split('/').at(-1)}` },
    }));
  });

  test('finds that both kinds of uploads reach their queues', async () => {
    s3.on(GetBucketNotificationConfigurationCommand).resolves({
      QueueConfigurations: [configuration('resize', 'raw/'), configuration('delete', 'arrivals/')],
    });
    expect(await make('bucket-notifications', context)).toMatchObject({ status: 'held' });
  });

  test.each([
    ['no events go to', [configuration('resize', 'raw/')]],
    ['only others go to', [configuration('resize', 'raw/'), configuration('delete', 'elsewhere/')]],
  ])('finds that %s the queue of arrivals', async (_what, QueueConfigurations) => {
    s3.on(GetBucketNotificationConfigurationCommand).resolves({ QueueConfigurations });
    expect(await make('bucket-notifications', context)).toMatchObject({
      status: 'failed',
      seen: expect.stringContaining(deleteQueueUrl),
    });
  });

  test('finds that the queue of arrivals does not accept them', async () => {
    const Policy = policy({});
    sqs.on(GetQueueAttributesCommand).callsFake(({ QueueUrl }) => ({
      Attributes: QueueUrl === deleteQueueUrl ? {} : { Policy },
    }));
    expect(await make('queue-policies', context)).toMatchObject({
      status: 'failed',
      seen: expect.stringContaining(deleteQueueUrl),
    });
  });
});
