import { maySend } from '../../../../bin/commands/verify/checks/events.ts';

const bucketArn = 'arn:aws:s3:::raw';

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

test('finds that a queue accepts the events of its bucket', () => {
  expect(maySend(policy({}), 's3.amazonaws.com', bucketArn)).toBe(true);
});

test.each([
  ['there is no policy', undefined],
  ['the policy is empty', ''],
  ['it refuses', policy({ Effect: 'Deny' })],
  ['it is for another service', policy({ Principal: { Service: 'sns.amazonaws.com' } })],
  ['it is for another bucket', policy({ Condition: { ArnLike: { 'aws:SourceArn': `${bucketArn}-old` } } })],
  ['it allows something else', policy({ Action: 'sqs:GetQueueUrl' })],
])('finds that it does not: %s', (_what, text) => {
  expect(maySend(text, 's3.amazonaws.com', bucketArn)).toBe(false);
});
