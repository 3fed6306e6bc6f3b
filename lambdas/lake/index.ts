import type {
  FirehoseTransformationEvent,
  FirehoseTransformationEventRecord,
  FirehoseTransformationResult,
  FirehoseTransformationResultRecord,
} from 'aws-lambda';
import { readEnvironment } from '../runtime/environment.ts';
import { createLog } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { lakeEnvironment } from './environment.ts';
import { placeEvent } from './row.ts';

const log = createLog('lake');
const metrics = createMetrics(readEnvironment(lakeEnvironment).stackName);

/** Transforms one record (Firehose Developer Guide, "Required parameters for data transformation"). */
const transform = ({
  recordId,
  data,
}: FirehoseTransformationEventRecord): FirehoseTransformationResultRecord => {
  const placed = placeEvent(Buffer.from(data, 'base64').toString('utf8'), new Date());
  if ('refusal' in placed) {
    log.warn('event refused', { recordId, reason: placed.refusal });
    // Unchanged: Firehose stores it under the errors.
    return { recordId, result: 'ProcessingFailed', data };
  }
  return {
    recordId,
    result: 'Ok',
    data: Buffer.from(`${JSON.stringify(placed.row)}\n`).toString('base64'),
    metadata: { partitionKeys: { ...placed.partition } },
  };
};

/** Turns events of the topic into rows of the lake, and refuses all other messages. */
export const handler = async ({
  records,
}: FirehoseTransformationEvent): Promise<FirehoseTransformationResult> => {
  const results = records.map(transform);
  const refused = results.filter(({ result }) => result === 'ProcessingFailed').length;
  if (refused > 0) metrics.record({ EventsRefused: refused });
  return { records: results };
};
