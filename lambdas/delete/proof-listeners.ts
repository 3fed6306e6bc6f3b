import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createMailRequests } from '../notify/mail-requests.ts';
import type { ProofListener } from '../owners/arrivals.ts';
import type { DeleteEnvironment } from './environment.ts';

/** Everything that waits for the bytes of a presigned upload. */
export const createProofListeners = (
  { mailRequestsTable }: DeleteEnvironment,
  dynamodb: DynamoDBClient,
): readonly ProofListener[] =>
  mailRequestsTable === undefined ? [] : [createMailRequests(mailRequestsTable, dynamodb)];
