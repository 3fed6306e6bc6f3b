import {
  type CloudFormationClient,
  DescribeStacksCommand,
  type Output,
} from '@aws-sdk/client-cloudformation';
import { UsageError } from './command.ts';

/** The outputs of a stack. @throws UsageError when there is no such stack */
export const outputsOf = async (
  StackName: string,
  cloudFormation: CloudFormationClient,
): Promise<readonly Output[]> => {
  try {
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    return Stacks?.[0]?.Outputs ?? [];
  } catch (error) {
    // CloudFormation's code for every mistake in a request, an unknown name among them.
    if (!(error instanceof Error) || error.name !== 'ValidationError') throw error;
    throw new UsageError(`${error.message} (searched in ${await cloudFormation.config.region()}).`);
  }
};
