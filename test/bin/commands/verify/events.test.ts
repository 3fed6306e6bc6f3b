import { maySend } from '../../../../bin/commands/verify/checks/events.ts';

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
