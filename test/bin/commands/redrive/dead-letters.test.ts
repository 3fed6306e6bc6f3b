import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { type MoveCounts, moveDeadLetters } from '../../../../bin/commands/redrive/dead-letters.ts';

const queue = { name: 'resize', url: 'https://sqs/resize', deadLettersUrl: 'https://sqs/dead' };
const sqs = mockClient(SQSClient);

const messages = (count: number): Message[] =>
  Array.from({ length: count }, (_, index) => ({
    MessageId: `id-${index}`,
    Body: `body ${index}`,
    ReceiptHandle: `receipt-${index}`,
  }));

const move = async (maxMessages: number, stopping = new AbortController().signal) => {
  const counts: MoveCounts[] = [];
  const moving = moveDeadLetters({ sqs: new SQSClient({}), queue, maxMessages, stopping });
  for await (const each of moving) counts.push(each);
  return counts;
};

beforeEach(() => {
  sqs.reset();
  sqs.on(ReceiveMessageCommand).resolves({});
  sqs.on(SendMessageBatchCommand).callsFake(({ Entries }) => ({ Successful: Entries }));
  sqs.on(DeleteMessageBatchCommand).callsFake(({ Entries }) => ({ Successful: Entries }));
});

test('sends a message as it was first sent, with its attributes and its trace', async () => {
  // GIVEN
  const MessageAttributes = { type: { DataType: 'String', StringValue: 'image.ready' } };
  const trace = 'Root=1-67891233-abcdef012345678912345678';
  const [message] = messages(1);
  sqs.on(ReceiveMessageCommand).resolvesOnce({
    Messages: [{ ...message, MessageAttributes, Attributes: { AWSTraceHeader: trace, SentTimestamp: '1' } }],
  });
  // WHEN
  expect(await move(1)).toEqual([{ moved: 1, failed: 0 }]);
  // THEN
  const [received] = sqs.commandCalls(ReceiveMessageCommand);
  expect(received?.args[0].input).toMatchObject({
    MessageAttributeNames: ['All'],
    MessageSystemAttributeNames: ['AWSTraceHeader'],
  });
  const [sent] = sqs.commandCalls(SendMessageBatchCommand);
  expect(sent?.args[0].input).toEqual({
    QueueUrl: queue.url,
    Entries: [
      {
        Id: '0',
        MessageBody: 'body 0',
        MessageAttributes,
        MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: trace } },
      },
    ],
  });
});

test('deletes only what was sent, and counts what was not', async () => {
  // GIVEN
  sqs.on(ReceiveMessageCommand).resolvesOnce({ Messages: messages(3) });
  sqs.on(SendMessageBatchCommand).callsFake(({ Entries: [first, ...others] }) => ({
    Successful: others,
    Failed: [{ ...first, Code: 'InternalError', SenderFault: false }],
  }));
  // WHEN
  expect(await move(3)).toEqual([{ moved: 2, failed: 1 }]);
  // THEN
  const [deleted] = sqs.commandCalls(DeleteMessageBatchCommand);
  expect(deleted?.args[0].input).toEqual({
    QueueUrl: queue.deadLettersUrl,
    Entries: [
      { Id: '1', ReceiptHandle: 'receipt-1' },
      { Id: '2', ReceiptHandle: 'receipt-2' },
    ],
  });
});

test('deletes nothing when nothing could be sent', async () => {
  sqs.on(ReceiveMessageCommand).resolvesOnce({ Messages: messages(2) });
  sqs.on(SendMessageBatchCommand).resolves({ Failed: [] });
  expect(await move(2)).toEqual([{ moved: 0, failed: 2 }]);
  expect(sqs.commandCalls(DeleteMessageBatchCommand)).toEqual([]);
});

test('stops after as many messages as there were at the start', async () => {
  sqs.on(ReceiveMessageCommand).callsFake(({ MaxNumberOfMessages }) => ({
    Messages: messages(MaxNumberOfMessages),
  }));
  expect((await move(13)).map(({ moved }) => moved)).toEqual([10, 13]);
});

test('stops after two empty receives in a row, although the estimate was higher', async () => {
  sqs
    .on(ReceiveMessageCommand)
    .resolvesOnce({})
    .resolvesOnce({ Messages: messages(2) })
    .resolves({});
  expect(await move(5)).toEqual([{ moved: 2, failed: 0 }]);
  expect(sqs.commandCalls(ReceiveMessageCommand)).toHaveLength(4);
});

test('finishes the current batch when it is stopped, and begins no other', async () => {
  const controller = new AbortController();
  sqs.on(ReceiveMessageCommand).callsFake(() => {
    controller.abort();
    return { Messages: messages(10) };
  });
  expect(await move(100, controller.signal)).toEqual([{ moved: 10, failed: 0 }]);
  expect(sqs.commandCalls(DeleteMessageBatchCommand)).toHaveLength(1);
});
