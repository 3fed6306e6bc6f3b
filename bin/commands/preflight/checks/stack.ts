import { fails, type Outcome, ok, surprise } from '../outcome.ts';

/** Of both, CDK deletes the stack and creates it anew. */
const failedCreations = ['ROLLBACK_COMPLETE', 'ROLLBACK_FAILED'];

/** CloudFormation refuses an update of these (CloudFormation User Guide, "Stack status codes"). */
const stuck = ['DELETE_FAILED', 'UPDATE_ROLLBACK_FAILED', 'IMPORT_ROLLBACK_FAILED'];

export interface StackFacts {
  readonly stackName: string;
  /** Undefined if there is no such stack. */
  readonly status: string | undefined;
}

/** Whether CloudFormation accepts a deployment of the stack. */
export const judgeStack = ({ stackName, status }: StackFacts): Outcome => {
  if (status === undefined) return ok(`There is no stack ${stackName} yet: this is its first deployment.`);
  const finding = `The stack ${stackName} is in state ${status}.`;
  if (failedCreations.includes(status)) {
    return surprise(
      finding,
      'Its first deployment failed. The next one deletes it and creates it again; what it kept stays.',
    );
  }
  if (stuck.includes(status)) {
    return fails(
      finding,
      `CloudFormation refuses to update it. Find the reason in its events, then use "npx cdk rollback ${stackName}", or delete the stack.`,
    );
  }
  // A change set was made and not used.
  if (status.endsWith('_IN_PROGRESS') && status !== 'REVIEW_IN_PROGRESS') {
    return fails(finding, 'Wait until CloudFormation has finished.');
  }
  return ok(finding);
};
