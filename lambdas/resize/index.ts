import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { readEnvironment } from '../environment.ts';
import { createLog } from '../log.ts';
import { resizeEnvironment } from './environment.ts';
import { createResizeService } from './service.ts';

const log = createLog('resize');
const handleMessage = createResizeService(readEnvironment(resizeEnvironment), log);

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
    // One image at a time: each may need most of the function's memory.
    processInParallel: false,
    throwOnFullBatchFailure: false,
  });
