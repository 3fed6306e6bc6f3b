import { usdOf } from './prices.ts';
import { apiUnitBytes, eventUsage, lambda } from './usage.ts';

export interface EventCostsProps {
  readonly ingestMemoryMiB: number;
  readonly resizeMemoryMiB: number;
}

/**
 * A table for SQL: what each type of event costs in US dollars. The last columns are what each byte, second
 * and thumbnail adds.
 */
export const eventCostsTable = ({ ingestMemoryMiB, resizeMemoryMiB }: EventCostsProps): string => {
  const rows = Object.entries(eventUsage(ingestMemoryMiB)).map(([type, usage]) => {
    const { apiRequests, lambdaCalls, lambdaGigabyteSeconds, s3Puts, s3Gets } = usage;
    const { dynamodbWrites, dynamodbReads, sqsRequests, snsEvents, logBytes } = usage;
    const isReady = type === 'image.ready';
    return {
      type,
      api_usd: usdOf({ apiRequests }),
      lambda_usd: usdOf({ lambdaCalls, lambdaGigabyteSeconds }),
      s3_usd: usdOf({ s3Gets, ...(isReady ? {} : { s3Puts }) }),
      dynamodb_usd: usdOf({ dynamodbWrites, dynamodbReads }),
      sqs_sns_usd: usdOf({ sqsRequests, snsEvents }),
      logs_usd: usdOf({ logBytes }),
      api_unit_bytes: apiUnitBytes,
      resize_second_usd: usdOf(lambda(1, resizeMemoryMiB, 0)),
      thumbnail_usd: usdOf({ s3Puts: 1 }),
    };
  });
  return [
    '-- At list prices of us-east-2.',
    'event_costs AS (',
    '  SELECT * FROM (',
    `    VALUES\n${rows.map((row) => `      (${Object.values(row).map(literal).join(', ')})`).join(',\n')}`,
    `  ) AS by_type (${Object.keys(rows[0] ?? {}).join(', ')})`,
    ')',
  ].join('\n');
};

/** With an exponent a number is a DOUBLE in Athena as well as in DuckDB; without one it is a DECIMAL. */
const literal = (value: string | number): string =>
  typeof value === 'string' ? `'${value}'` : Number(value.toPrecision(12)).toExponential().toUpperCase();
