import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createMailExtension } from '../notify/upload-extension.ts';
import type { UploadExtension } from '../runtime/upload-extension.ts';
import type { IngestEnvironment } from './environment.ts';
import type { ErrorCode } from './problem.ts';

/** All extensions of uploads. Their error codes are listed in `problem.ts`. */
export const createExtensions = (
  environment: IngestEnvironment,
  dynamodb: DynamoDBClient,
): readonly UploadExtension<ErrorCode>[] => [
  createMailExtension(environment.mailRequestsTable, environment.allowedRecipients ?? [], dynamodb),
];
