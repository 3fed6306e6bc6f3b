import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Delivery } from './delivery.ts';
import type { Log } from './log.ts';

/**
 * A Lambda function that processes the messages of a queue one after the other, and reports those that
 * failed: only those are delivered again.
 *
 * @param handleMessage throws to have the message delivered again
 */
export const createQueueFunction = (
  handleMessage: (body: string, delivery: Delivery) => Promise<void>,
  log: Log,
) => {
  const processor = new BatchProcessor(EventType.SQS);

  const handleRecord = async ({ messageId, body, attributes }: SQSRecord): Promise<void> => {
    try {
      await handleMessage(body, { receiveCount: Number(attributes.ApproximateReceiveCount) });
    } catch (error) {
      log.error('message failed, to be delivered again', { messageId, error });
      throw error;
    }
  };

  return (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
    processPartialResponse(event, handleRecord, processor, {
      context,
      processInParallel: false,
      throwOnFullBatchFailure: false,
    });
};
