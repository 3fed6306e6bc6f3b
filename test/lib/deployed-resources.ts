import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { DataLakeStack } from '../../lib/lake/data-lake-stack.ts';
import { appWith, everySetting, inContainers } from './stacks.ts';

/**
 * The resources that hold data, or an address that callers know, each with the properties whose change makes
 * CloudFormation replace it (CloudFormation Template Reference, "Update requires: Replacement").
 */
const replacing: Readonly<Record<string, readonly string[]>> = {
  'AWS::ApiGatewayV2::Api': ['ProtocolType'],
  'AWS::ApiGatewayV2::DomainName': ['DomainName'],
  'AWS::ApiGatewayV2::Stage': ['ApiId', 'StageName'],
  'AWS::Athena::WorkGroup': ['Name'],
  'AWS::DynamoDB::Table': ['AttributeDefinitions', 'KeySchema', 'LocalSecondaryIndexes', 'TableName'],
  'AWS::ElasticLoadBalancingV2::LoadBalancer': ['Name', 'Scheme', 'Type'],
  'AWS::Glue::Database': ['CatalogId', 'DatabaseName'],
  'AWS::KinesisFirehose::DeliveryStream': ['DeliveryStreamName', 'DeliveryStreamType'],
  'AWS::Logs::LogGroup': ['LogGroupClass', 'LogGroupName'],
  'AWS::S3::Bucket': ['BucketName'],
  'AWS::SES::ConfigurationSet': ['Name'],
  'AWS::SES::EmailIdentity': ['EmailIdentity'],
  'AWS::SNS::Subscription': ['Endpoint', 'Protocol', 'TopicArn'],
  'AWS::SNS::Topic': ['FifoTopic', 'TopicName'],
  'AWS::SQS::Queue': ['FifoQueue', 'QueueName'],
};

/** Settings, by the name under which their resources are recorded. */
const deployments: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'default settings': {},
  'every setting changed': everySetting,
  containers: inContainers,
};

interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

/**
 * A value as text. A resource of another stack is named by its logical id, however the stacks refer to each
 * other: the value that CloudFormation compares is the same.
 */
const textOf = (value: unknown): string => {
  const reference =
    /^\{"Fn::(?:GetStackOutput|ImportValue)":.*Output(?:Ref|FnGetAtt)(\w+?)[0-9A-F]{8}"\}*$/.exec(
      JSON.stringify(value),
    );
  return reference ? `of the other stack: ${reference[1]}` : JSON.stringify(value);
};

/** A deployment that fails at first may remove what it created: later ones keep it all the same. */
const isKept = (policy: string): boolean => policy.startsWith('Retain');

/** One line for each resource, by its logical id. */
const linesOf = (stack: Stack): Readonly<Record<string, string>> => {
  const resources: Readonly<Record<string, Resource>> = Template.fromStack(stack).toJSON()['Resources'];
  return Object.fromEntries(
    Object.entries(resources).flatMap(([logicalId, { Type, DeletionPolicy = 'Delete', Properties = {} }]) => {
      const given = replacing[Type]?.flatMap((name) =>
        name in Properties ? [`${name} ${textOf(Properties[name])}`] : [],
      );
      return given
        ? [[logicalId, [Type, isKept(DeletionPolicy) ? 'Retain' : DeletionPolicy, ...given].join(', ')]]
        : [];
    }),
  );
};

/** What each deployment holds that must not be replaced: by settings, stack and logical id. */
export const deployedResources = () =>
  Object.fromEntries(
    Object.entries(deployments).map(([name, given]) => {
      const { app, settings, stack } = appWith(given);
      const { imageEvents, alerts } = stack;
      const lakeProps = { settings, imageEvents, alerts };
      const lake = new DataLakeStack(app, `${settings.stackName}DataLake`, lakeProps);
      return [name, Object.fromEntries([stack, lake].map((each) => [each.stackName, linesOf(each)]))];
    }),
  );
