import { createDeletionRequests } from '../../../lambdas/aws/deletion-requests.ts';
import { resources } from '../../../local/aws.ts';
import type { AwsClients } from '../../local/aws-clients.ts';
import type { Stack } from '../stack.ts';
import { holds } from './outcome.ts';

/** Deletes an image as the operator's command does. */
export const beginDeletion = async ({ aws }: Stack, id: string): Promise<void> => {
  const record = await aws.catalog.find(id);
  if (record === undefined || (await aws.catalog.startDeletion(record)) === undefined) {
    throw new Error(`The deletion of ${id} did not begin.`);
  }
  await createDeletionRequests(aws.urlOf(resources.deleteQueue), aws.sqs).send(id);
};

/** Waits until an image is deleted, and checks that its original is gone. */
export const deletionProblems = async (
  aws: AwsClients,
  id: string,
  milliseconds: number,
): Promise<readonly string[]> => {
  const isDeleted = async (): Promise<boolean> => (await aws.catalog.state(id))?.status === 'deleted';
  if (!(await holds(isDeleted, milliseconds))) return [`${id} is not deleted`];
  return (await aws.originals.head(id)) === undefined ? [] : [`the original of ${id} is still there`];
};
