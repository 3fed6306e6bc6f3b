import { CloudFormationClient, DescribeStacksCommand, type Output } from '@aws-sdk/client-cloudformation';
import { StartError } from '../../local/start-error.ts';

/** A queue, and the queue of the messages that nobody could work off. */
export interface Queue {
  readonly name: string;
  readonly url: string;
  readonly deadLettersUrl: string;
}

/** @throws StartError when there is no such stack, or it names no queues */
export const queuesOfStack = async (
  stackName: string,
  cloudFormation: CloudFormationClient = new CloudFormationClient(),
): Promise<readonly Queue[]> => {
  const queues = queuesOf(await outputsOf(stackName, cloudFormation));
  if (queues.length > 0) return queues;
  throw new StartError(`The stack ${stackName} has no dead-letter queues among its outputs.`);
};

const outputsOf = async (
  StackName: string,
  cloudFormation: CloudFormationClient,
): Promise<readonly Output[]> => {
  try {
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    return Stacks?.[0]?.Outputs ?? [];
  } catch (error) {
    // CloudFormation's word for every mistake in a request, an unknown name among them.
    if (!(error instanceof Error) || error.name !== 'ValidationError') throw error;
    throw new StartError(`${error.message} (looked for in ${await cloudFormation.config.region()}).`);
  }
};

/** Every output `XDeadLetterQueueUrl` that has an `XQueueUrl` beside it. */
const queuesOf = (outputs: readonly Output[]): readonly Queue[] =>
  outputs.flatMap(({ OutputKey = '', OutputValue: deadLettersUrl }) => {
    const [, name] = /^(.+)DeadLetterQueueUrl$/.exec(OutputKey) ?? [];
    const url = outputs.find((each) => each.OutputKey === `${name}QueueUrl`)?.OutputValue;
    if (name === undefined || url === undefined || deadLettersUrl === undefined) return [];
    return [{ name: name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase(), url, deadLettersUrl }];
  });
