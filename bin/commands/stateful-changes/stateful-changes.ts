import { fullDiff, ResourceImpact } from '@aws-cdk/cloudformation-diff';
import type { Template } from './templates.ts';

/** A change of a resource that holds data, or is an address that callers know. */
export interface StatefulChange {
  readonly logicalId: string;
  readonly type: string;
  readonly impact: Impact;
  /** The properties that cause it; empty if the resource is no longer in the template. */
  readonly properties: readonly string[];
}

export type Impact = 'replaced' | 'may be replaced' | 'deleted' | 'left behind';

const statefulTypes: readonly string[] = [
  'AWS::ApiGatewayV2::Api',
  'AWS::ApiGatewayV2::DomainName',
  'AWS::DynamoDB::GlobalTable',
  'AWS::DynamoDB::Table',
  'AWS::ElasticLoadBalancingV2::LoadBalancer',
  'AWS::Glue::Database',
  'AWS::KinesisFirehose::DeliveryStream',
  'AWS::S3::Bucket',
  'AWS::SES::EmailIdentity',
  'AWS::SNS::Topic',
  'AWS::SQS::Queue',
];

const impacts: Partial<Readonly<Record<ResourceImpact, Impact>>> = {
  [ResourceImpact.WILL_REPLACE]: 'replaced',
  [ResourceImpact.MAY_REPLACE]: 'may be replaced',
  [ResourceImpact.WILL_DESTROY]: 'deleted',
  [ResourceImpact.WILL_ORPHAN]: 'left behind',
};

/**
 * What a deployment of `next` over `current` replaces or removes, in the order of logical ids. The same two
 * templates always give the same answer. CDK's comparison knows which properties CloudFormation can only
 * change by replacing the resource.
 */
export const statefulChanges = (current: Template, next: Template): readonly StatefulChange[] => {
  const found: StatefulChange[] = [];
  fullDiff(current, next).resources.forEachDifference((logicalId, change) => {
    const type = change.oldResourceType;
    // A resource of another type under the same logical id replaces it.
    const impact = change.resourceTypeChanged ? 'replaced' : impacts[change.changeImpact];
    if (type === undefined || impact === undefined || !statefulTypes.includes(type)) return;
    const properties = Object.entries(change.propertyUpdates)
      .filter(([, { changeImpact }]) => changeImpact !== undefined && changeImpact in impacts)
      .map(([name]) => name);
    found.push({ logicalId, type, impact, properties });
  });
  return found.sort((a, b) => a.logicalId.localeCompare(b.logicalId, 'en'));
};

/** One line for a person. */
export const describeChange = (
  stackName: string,
  { logicalId, type, impact, properties }: StatefulChange,
): string => {
  const cause = properties.length > 0 ? ` (${properties.join(', ')})` : '';
  return `${stackName}: ${logicalId}, ${type}: ${impact}${cause}`;
};
