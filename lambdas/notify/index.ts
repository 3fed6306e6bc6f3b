import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { readEnvironment } from '../environment.ts';
import { createLog } from '../log.ts';
import { notifyEnvironment } from './environment.ts';
import { createNotifyService } from './service.ts';

const log = createLog('notify');
const handleMessage = createNotifyService(readEnvironment(notifyEnvironment), log);

const handleRecord = async ({ messageId, body }: SQSRecord): Promise<void> => {
  try {
    await handleMessage(body);
  } catch (error) {
    log.error('message failed, to be delivered again', { messageId, error });
    throw error;
  }
};

const processor = new BatchProcessor(EventType.SQS);

/** Answers with the messages that failed: only those are delivered again. */
export const handler = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
  processPartialResponse(event, handleRecord, processor, {
    context,
    // One after the other: of two events of one image, the second finds what the first has sent.
    processInParallel: false,
    throwOnFullBatchFailure: false,
  });
