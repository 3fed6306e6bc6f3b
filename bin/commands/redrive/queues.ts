import { CloudFormationClient, type Output } from '@aws-sdk/client-cloudformation';
import { SQSClient } from '@aws-sdk/client-sqs';
import { clientConfig, deadLetterQueueOf, queueUrl, resources } from '../../../local/aws.ts';
import { dataFolderOf, readCredentials } from '../../../local/data-folder.ts';
import { endpointOf, type Ports } from '../../../local/ports.ts';
import { UsageError } from '../command.ts';
import { outputsOf } from '../stack-outputs.ts';

/** A queue with its dead-letter queue. */
export interface Queue {
  readonly name: string;
  readonly url: string;
  readonly deadLettersUrl: string;
}

/** The queues of what `npm start` runs. */
export const localQueues = (ports: Ports) => {
  const endpoint = endpointOf(ports.sqs);
  const { resizeQueue, slowResizeQueue, deleteQueue, notifyQueue, dataLakeQueue } = resources;
  return {
    sqs: new SQSClient(clientConfig(endpoint, readCredentials(dataFolderOf(ports.api)))),
    queues: [resizeQueue, slowResizeQueue, deleteQueue, notifyQueue, dataLakeQueue].map((name) => ({
      name,
      url: queueUrl(endpoint, name),
      deadLettersUrl: queueUrl(endpoint, deadLetterQueueOf(name)),
    })),
  };
};

/** @throws UsageError when there is no such stack, or its outputs name no queues */
export const queuesOfStack = async (
  stackName: string,
  cloudFormation: CloudFormationClient = new CloudFormationClient(),
): Promise<readonly Queue[]> => {
  const queues = queuesIn(await outputsOf(stackName, cloudFormation));
  if (queues.length > 0) return queues;
  throw new UsageError(`The stack ${stackName} has no dead-letter queues among its outputs.`);
};

/** Every output `XDeadLetterQueueUrl` for which there is an output `XQueueUrl`. */
const queuesIn = (outputs: readonly Output[]): readonly Queue[] =>
  outputs.flatMap(({ OutputKey = '', OutputValue: deadLettersUrl }) => {
    const [, name] = /^(.+)DeadLetterQueueUrl$/.exec(OutputKey) ?? [];
    const url = outputs.find((each) => each.OutputKey === `${name}QueueUrl`)?.OutputValue;
    if (name === undefined || url === undefined || deadLettersUrl === undefined) return [];
    return [{ name: name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase(), url, deadLettersUrl }];
  });
