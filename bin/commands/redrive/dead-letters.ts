import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Queue } from './queues.ts';

/** How many messages of a queue are visible and how many are in flight; both are estimates of SQS. */
export const countMessages = async (sqs: SQSClient, QueueUrl: string) => {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return {
    waiting: Number(Attributes?.['ApproximateNumberOfMessages']),
    inFlight: Number(Attributes?.['ApproximateNumberOfMessagesNotVisible']),
  };
};

export interface MoveProps {
  readonly sqs: SQSClient;
  readonly queue: Queue;
  /** As many as there were at the start: a message that fails again immediately is not moved twice. */
  readonly maxMessages: number;
  /** Once it is aborted, no further batch begins. */
  readonly stopping: AbortSignal;
}

export interface MoveCounts {
  readonly moved: number;
  /** Messages that SQS did not send, or did not delete afterwards. */
  readonly failed: number;
}

/** After two empty receives in a row the queue counts as empty, whatever the estimate was. */
const maxEmptyReceives = 2;

/**
 * Sends dead letters to their queue and then deletes them, batch by batch. A process that dies in between
 * leaves some of them twice, which the consumers tolerate, but loses none.
 *
 * `StartMessageMoveTask` of SQS would also move the messages that fail again in the meantime.
 *
 * @returns the counts so far, after each batch
 */
export async function* moveDeadLetters({
  sqs,
  queue,
  maxMessages,
  stopping,
}: MoveProps): AsyncGenerator<MoveCounts> {
  let moved = 0;
  let failed = 0;
  let emptyReceives = 0;
  while (moved + failed < maxMessages && emptyReceives < maxEmptyReceives && !stopping.aborted) {
    const messages = await receive(sqs, queue, Math.min(10, maxMessages - moved - failed));
    emptyReceives = messages.length === 0 ? emptyReceives + 1 : 0;
    if (messages.length === 0) continue;
    const movedNow = await moveBatch(sqs, queue, messages);
    moved += movedNow;
    failed += messages.length - movedNow;
    yield { moved, failed };
  }
}

const receive = async (sqs: SQSClient, queue: Queue, maxMessages: number): Promise<readonly Message[]> => {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: queue.deadLettersUrl,
      MaxNumberOfMessages: maxMessages,
      // With a wait SQS queries all its servers (SQS Developer Guide, "Short and long polling").
      WaitTimeSeconds: 1,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['AWSTraceHeader'],
    }),
  );
  return Messages;
};

/** @returns how many messages were both sent and deleted */
const moveBatch = async (sqs: SQSClient, queue: Queue, messages: readonly Message[]): Promise<number> => {
  const { Successful: sent = [] } = await sqs.send(
    new SendMessageBatchCommand({ QueueUrl: queue.url, Entries: messages.map(entryOf) }),
  );
  if (sent.length === 0) return 0;
  const { Successful: deleted = [] } = await sqs.send(
    new DeleteMessageBatchCommand({
      QueueUrl: queue.deadLettersUrl,
      Entries: sent.map(({ Id }) => ({ Id, ReceiptHandle: messages[Number(Id)]?.ReceiptHandle })),
    }),
  );
  return deleted.length;
};

/** The message as it was first sent. */
const entryOf = (
  { Body, MessageAttributes, Attributes }: Message,
  index: number,
): SendMessageBatchRequestEntry => {
  const trace = Attributes?.AWSTraceHeader;
  return {
    Id: String(index),
    MessageBody: Body,
    MessageAttributes,
    MessageSystemAttributes:
      trace === undefined ? undefined : { AWSTraceHeader: { DataType: 'String', StringValue: trace } },
  };
};
