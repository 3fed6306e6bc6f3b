import { type Outcome, ok, surprise } from '../outcome.ts';

export const ecsRoleName = 'AWSServiceRoleForECS';

export interface EcsRoleFacts {
  readonly exists: boolean;
}

/**
 * Whether ECS has its own role. ECS creates it with the first cluster of an account, and may fail because IAM
 * does not know it everywhere immediately (aws-cloudformation/cloudformation-coverage-roadmap#818).
 */
export const judgeEcsRole = ({ exists }: EcsRoleFacts): Outcome =>
  exists
    ? ok(`The account has the role ${ecsRoleName}.`)
    : surprise(
        `The account has no role ${ecsRoleName}: it never had a cluster. The first deployment of one may fail with "Unable to assume the service linked role".`,
        'Run aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com and wait a minute.',
      );
