import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { GetTopicAttributesCommand } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { describeAwsError } from '../../aws-errors.ts';
import type { AwsClients } from '../aws.ts';
import type { Check } from '../check.ts';
import { type StackResource, templateVariables } from '../deployed-stack.ts';
import { counted, judge, NotAsExpected } from '../outcome.ts';

type Ask = (aws: AwsClients, name: string) => Promise<unknown>;

interface NamedResource {
  /** The end of the variable. */
  readonly end: string;
  readonly type: string;
  /** How to see that it exists. @default - CloudFormation's word for it */
  readonly ask?: Ask;
}

/** The variables that name a resource. */
const named: readonly NamedResource[] = [
  {
    end: '_BUCKET',
    type: 'AWS::S3::Bucket',
    ask: ({ s3 }, Bucket) => s3.send(new HeadBucketCommand({ Bucket })),
  },
  {
    end: '_TABLE',
    type: 'AWS::DynamoDB::Table',
    ask: ({ dynamodb }, TableName) => dynamodb.send(new DescribeTableCommand({ TableName })),
  },
  {
    end: '_QUEUE_URL',
    type: 'AWS::SQS::Queue',
    ask: ({ sqs }, QueueUrl) =>
      sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] })),
  },
  {
    end: '_TOPIC_ARN',
    type: 'AWS::SNS::Topic',
    ask: ({ sns }, TopicArn) => sns.send(new GetTopicAttributesCommand({ TopicArn })),
  },
  { end: '_ROLE_ARN', type: 'AWS::IAM::Role' },
  { end: '_CONFIGURATION_SET', type: 'AWS::SES::ConfigurationSet' },
];

/** The output with the same value: `RESIZE_QUEUE_URL` -> `ResizeQueueUrl`, `RAW_BUCKET` -> `RawBucketName` */
const outputOf = (variable: string): string => {
  const words = variable.split('_').map((word) => word.slice(0, 1) + word.slice(1).toLowerCase());
  return words.join('') + (/_(?:URL|ARN)$/.test(variable) ? '' : 'Name');
};

interface Variable {
  readonly functionId: string;
  readonly name: string;
  /** In the template: a text, or a reference to another resource. */
  readonly expected: unknown;
  /** Undefined if the function lacks it. */
  readonly value: string | undefined;
}

/** The variables of a function in the template, with their values in the deployed function. */
const variablesOf = async (aws: AwsClients, resource: StackResource): Promise<readonly Variable[]> => {
  const expected = Object.entries(templateVariables(resource) ?? {});
  if (expected.length === 0) return [];
  const { Environment, State, LastUpdateStatus } = await aws.lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: resource.physicalId }),
  );
  if (State === 'Failed' || LastUpdateStatus === 'Failed') {
    throw new NotAsExpected(`${resource.logicalId} is ${State}, its last update ${LastUpdateStatus}.`);
  }
  return expected.map(([name, value]) => ({
    functionId: resource.logicalId,
    name,
    expected: value,
    value: Environment?.Variables?.[name],
  }));
};

/** Each function's environment. */
export const settingsChecks: readonly Check[] = [
  {
    name: 'function-environments',
    group: 'settings',
    quick: true,
    description:
      'Each function has the environment of the template, and the buckets, tables, queues and topics that it names are those of the stack and exist.',
    async run({ stack, aws }) {
      const variables = (
        await Promise.all(stack.of('AWS::Lambda::Function').map((resource) => variablesOf(aws, resource)))
      ).flat();
      const faults = new Set<string>();
      const found = new Map<string, Ask | undefined>();
      for (const { functionId, name, expected, value } of variables) {
        const where = `${functionId} has ${name}=${value ?? '(none)'}`;
        const resource = named.find(({ end }) => name.endsWith(end));
        const output = stack.allOutputs[outputOf(name)];
        if (value === undefined || (typeof expected === 'string' && expected !== value)) {
          faults.add(`${where}, which differs from the template.`);
        } else if (output !== undefined && output !== value) {
          faults.add(`${where}, but ${outputOf(name)} is ${output}.`);
        } else if (resource !== undefined) {
          // A role has its name at the end of its ARN.
          const isOurs = stack
            .of(resource.type)
            .some(({ physicalId }) => physicalId === value || value.endsWith(`/${physicalId}`));
          if (isOurs || output === value) found.set(value, resource.ask);
          else faults.add(`${where}, which is no ${resource.type} of the stack.`);
        }
      }
      for (const [value, ask] of found) {
        try {
          await ask?.(aws, value);
        } catch (error) {
          if (describeAwsError(error).kind !== 'not-found') throw error;
          faults.add(`${value} does not exist any more.`);
        }
      }
      const functions = new Set(variables.map(({ functionId }) => functionId)).size;
      return judge(
        [...faults],
        `${counted(functions, 'function')}, ${counted(variables.length, 'variable')}, ${counted(found.size, 'resource')} that they name.`,
      );
    },
  },
];
