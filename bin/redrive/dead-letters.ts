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

/** How many messages of a queue may be received, and how many are in somebody's hands; both are estimates of SQS. */
export const countMessages = async (sqs: SQSClient, QueueUrl: string) => {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return {
    waiting: Number(Attributes?.['ApproximateNumberOfMessages']),
    inHand: Number(Attributes?.['ApproximateNumberOfMessagesNotVisible']),
  };
};

export interface MoveProps {
  readonly sqs: SQSClient;
  readonly queue: Queue;
  /** As many as were there at the start: what fails again at once must not go round in circles. */
  readonly most: number;
  /** No other batch is begun once it is aborted. */
  readonly stopping: AbortSignal;
  /** Told after each batch how many are moved so far. */
  readonly onMoved: (moved: number) => void;
}

/** Two of these in a row, and the queue is empty, whatever was counted. */
const maxEmptyAnswers = 2;

/**
 * Sends dead letters to their queue, and only then takes them out of where they were: whoever dies in between leaves
 * some twice, which the consumers bear, but loses none.
 *
 * SQS can move messages by itself (`StartMessageMoveTask`), but not so that it stops after those that were there.
 *
 * @returns how many SQS refused to send, or to take out afterwards
 */
export const moveDeadLetters = async ({
  sqs,
  queue,
  most,
  stopping,
  onMoved,
}: MoveProps): Promise<number> => {
  let moved = 0;
  let kept = 0;
  let emptyAnswers = 0;
  while (moved + kept < most && emptyAnswers < maxEmptyAnswers && !stopping.aborted) {
    const messages = await receive(sqs, queue, Math.min(10, most - moved - kept));
    emptyAnswers = messages.length === 0 ? emptyAnswers + 1 : 0;
    if (messages.length === 0) continue;
    const movedNow = await moveBatch(sqs, queue, messages);
    moved += movedNow;
    kept += messages.length - movedNow;
    onMoved(moved);
  }
  return kept;
};

const receive = async (sqs: SQSClient, queue: Queue, most: number): Promise<readonly Message[]> => {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: queue.deadLettersUrl,
      MaxNumberOfMessages: most,
      // With any wait SQS asks all of its servers, without one it asks some (SQS Developer Guide, "Short and long polling").
      WaitTimeSeconds: 1,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['AWSTraceHeader'],
    }),
  );
  return Messages;
};

/** Gives how many of the messages are in their queue and nowhere else. */
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
