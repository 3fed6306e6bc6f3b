import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type * as z from 'zod';
import { createMailExtension } from '../notify/upload-extension.ts';
import type { UploadExtension } from '../runtime/upload-extension.ts';
import type { ingestEnvironment } from './environment.ts';
import type { ErrorCode } from './problem.ts';

/** All extensions of uploads. Their error codes are listed in `problem.ts`. */
export const createExtensions = (
  environment: z.output<typeof ingestEnvironment>,
  dynamodb: DynamoDBClient,
): readonly UploadExtension<ErrorCode>[] => [
  createMailExtension(environment.MAIL_REQUESTS_TABLE, environment.ALLOWED_RECIPIENTS, dynamodb),
];
