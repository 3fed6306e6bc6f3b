import { fails, type Outcome, ok, surprise } from '../outcome.ts';

/** AWS writes it for all logs that it delivers (CloudWatch Logs User Guide, "Logs sent to CloudWatch"). */
const deliveryPolicyName = 'AWSLogDeliveryWrite20150319';

/** Characters of a resource policy, and policies of an account in a region (CloudWatch Logs quotas). */
const maxCharacters = 5120;
const maxPolicies = 10;

/** The ARN of one more log group with its quotes, of a usual length. */
const charactersOfLogGroup = 200;

/**
 * AWS allows all logs below it at once when the policy is nearly full (Step Functions Developer Guide,
 * "Avoiding Amazon CloudWatch Logs resource policy size restrictions").
 */
const sharedPrefix = '/aws/vendedlogs/';

export interface ResourcePolicy {
  readonly name: string;
  readonly document: string;
}

export interface LogDeliveryFacts {
  readonly policies: readonly ResourcePolicy[];
}

/** Whether API Gateway can be allowed to write one more access log. */
export const judgeLogDelivery = ({ policies }: LogDeliveryFacts): Outcome => {
  const policy = policies.find(({ name }) => name === deliveryPolicyName);
  if (policy === undefined) {
    return policies.length < maxPolicies
      ? ok(`AWS can add its policy for logs: ${policies.length} of ${maxPolicies} are used.`)
      : fails(
          `CloudWatch Logs has ${maxPolicies} resource policies, which is the most, and AWS must add one for the access log of the API.`,
          'Delete a policy that is not needed: aws logs describe-resource-policies.',
        );
  }
  const used = `AWS's policy for logs has ${policy.document.length} of ${maxCharacters} characters`;
  if (policy.document.includes(sharedPrefix))
    return ok(`${used}, and allows all logs below ${sharedPrefix}.`);
  if (policy.document.length + charactersOfLogGroup <= maxCharacters) return ok(`${used}.`);
  return surprise(
    `${used}. It is never shortened, and the access log of the API may not fit.`,
    `Remove log groups that no longer exist from the policy ${deliveryPolicyName} (aws logs put-resource-policy), or replace them by ${sharedPrefix}*.`,
  );
};
