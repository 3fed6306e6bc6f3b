import {
  CreateRouteCommand,
  DeleteCorsConfigurationCommand,
  DeleteRouteCommand,
  GetRoutesCommand,
  UpdateApiCommand,
} from '@aws-sdk/client-apigatewayv2';
import { DisableAlarmActionsCommand, EnableAlarmActionsCommand } from '@aws-sdk/client-cloudwatch';
import { DisableRuleCommand, EnableRuleCommand } from '@aws-sdk/client-eventbridge';
import {
  GetFunctionConfigurationCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import {
  DeleteBucketPolicyCommand,
  GetBucketCorsCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketPolicyCommand,
  GetPublicAccessBlockCommand,
  PutBucketCorsCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketPolicyCommand,
  PutPublicAccessBlockCommand,
  type QueueConfiguration,
} from '@aws-sdk/client-s3';
import { ListSubscriptionsByTopicCommand, SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns';
import {
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import type { AwsClients } from '../../bin/commands/verify/aws.ts';
import type { Group } from '../../bin/commands/verify/check.ts';
import type { DeployedStack } from '../../bin/commands/verify/deployed-stack.ts';
import type { Iam, RoleId } from './iam.ts';

/** Something that can go wrong with a deployed stack. */
export interface Break {
  readonly what: string;
  /** The check that must find it, and its group. */
  readonly check: string;
  readonly group: Group;
  /** Breaks the stack during a step. */
  during(parts: Parts, step: () => Promise<void>): Promise<void>;
}

export interface Parts {
  readonly aws: AwsClients;
  readonly iam: Iam;
  readonly stack: DeployedStack;
}

type Step = () => Promise<unknown>;

/** Breaks something, and repairs it after the step. */
const between = async (breakIt: Step, step: Step, repair: Step): Promise<void> => {
  await breakIt();
  try {
    await step();
  } finally {
    await repair();
  }
};

const physicalIdOf = ({ stack }: Parts, type: string, id = ''): string => {
  const found = stack.of(type).find(({ logicalId }) => logicalId.startsWith(id));
  if (found === undefined) throw new Error(`${stack.name} has no ${type} ${id}`);
  return found.physicalId;
};

const withoutGrant = (
  roleId: RoleId,
  action: string,
  what: string,
  finder: Pick<Break, 'check' | 'group'>,
): Break => ({
  what,
  ...finder,
  during: ({ iam, stack }, step) => iam.without(stack.name, roleId, action, step),
});

/** Changes an attribute of the resize queue. */
const withAttribute = (
  what: string,
  name: 'Policy' | 'RedrivePolicy',
  value: string,
  check: string,
): Break => ({
  what,
  check,
  group: 'events',
  async during({ aws, stack }, step) {
    const QueueUrl = stack.outputs.ResizeQueueUrl;
    const { Attributes = {} } = await aws.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [name] }),
    );
    const set = (text: string) => () =>
      aws.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { [name]: text } }));
    await between(set(value), step, set(Attributes[name] ?? ''));
  },
});

/** Changes where the raw bucket sends its events. */
const withNotifications = (
  what: string,
  change: (configurations: readonly QueueConfiguration[]) => QueueConfiguration[],
): Break => ({
  what,
  check: 'bucket-notifications',
  group: 'events',
  async during({ aws, stack }, step) {
    const Bucket = stack.outputs.RawBucketName;
    const { QueueConfigurations = [] } = await aws.s3.send(
      new GetBucketNotificationConfigurationCommand({ Bucket }),
    );
    const put = (configurations: QueueConfiguration[]) => () =>
      aws.s3.send(
        new PutBucketNotificationConfigurationCommand({
          Bucket,
          NotificationConfiguration: { QueueConfigurations: configurations },
        }),
      );
    await between(put(change(QueueConfigurations)), step, put(QueueConfigurations));
  },
});

/** Changes a variable of the reconciler. */
const withVariable = (what: string, name: string, value: string): Break => ({
  what,
  check: 'function-environments',
  group: 'settings',
  async during(parts, step) {
    const FunctionName = physicalIdOf(parts, 'AWS::Lambda::Function', 'ReconcilerFunction');
    const { lambda } = parts.aws;
    const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const set = (changed: Readonly<Record<string, string>>) => () =>
      lambda.send(
        new UpdateFunctionConfigurationCommand({
          FunctionName,
          Environment: { Variables: { ...Environment?.Variables, ...changed } },
        }),
      );
    await between(set({ [name]: value }), step, set({}));
  },
});

/** The ways to break the main stack, each found by one check. */
export const breaks: readonly Break[] = [
  withoutGrant('IngestFunctionRole', 's3:PutObject', 'ingest may not store originals', {
    check: 'upload',
    group: 'upload',
  }),
  withoutGrant('IngestUrlSigner', 's3:GetObject', 'the signer may not read thumbnails', {
    check: 'upload',
    group: 'upload',
  }),
  withoutGrant('IngestUrlSigner', 's3:PutObject', 'the signer may not store originals', {
    check: 'presigned-upload',
    group: 'large-upload',
  }),
  withoutGrant('ReconcilerFunctionRole', 'dynamodb:Query', 'the reconciler may not search the catalog', {
    check: 'reconciler-dry-run',
    group: 'reconciler',
  }),
  withVariable('a function has the name of another table', 'CATALOG_TABLE', 'elsewhere'),
  withVariable('a function has another setting', 'OVERDUE_SECONDS', '1'),
  {
    what: 'a route is missing',
    check: 'routes',
    group: 'api',
    async during(parts, step) {
      const { apiGateway } = parts.aws;
      const ApiId = physicalIdOf(parts, 'AWS::ApiGatewayV2::Api');
      const { Items = [] } = await apiGateway.send(new GetRoutesCommand({ ApiId }));
      const { RouteId, RouteKey, Target, AuthorizationType } =
        Items.find((route) => route.RouteKey === 'GET /images/{id}') ?? {};
      await between(
        () => apiGateway.send(new DeleteRouteCommand({ ApiId, RouteId })),
        step,
        () => apiGateway.send(new CreateRouteCommand({ ApiId, RouteKey, Target, AuthorizationType })),
      );
    },
  },
  {
    what: 'the API is open to pages of all origins',
    check: 'stage',
    group: 'api',
    async during(parts, step) {
      const { apiGateway } = parts.aws;
      const ApiId = physicalIdOf(parts, 'AWS::ApiGatewayV2::Api');
      await between(
        () => apiGateway.send(new UpdateApiCommand({ ApiId, CorsConfiguration: { AllowOrigins: ['*'] } })),
        step,
        () => apiGateway.send(new DeleteCorsConfigurationCommand({ ApiId })),
      );
    },
  },
  {
    what: 'a bucket is open to pages of all origins',
    check: 'buckets-cors',
    group: 'buckets',
    async during({ aws, stack }, step) {
      const Bucket = stack.outputs.RawBucketName;
      const { CORSRules = [] } = await aws.s3.send(new GetBucketCorsCommand({ Bucket }));
      const put = (AllowedOrigins: readonly string[] | undefined) => () =>
        aws.s3.send(
          new PutBucketCorsCommand({
            Bucket,
            CORSConfiguration: {
              CORSRules: CORSRules.map((rule) => ({
                ...rule,
                ...(AllowedOrigins && { AllowedOrigins: [...AllowedOrigins] }),
              })),
            },
          }),
        );
      await between(put(['*']), step, put(undefined));
    },
  },
  {
    what: 'a bucket does not block public access',
    check: 'buckets-private',
    group: 'buckets',
    async during({ aws, stack }, step) {
      const Bucket = stack.outputs.ThumbnailBucketName;
      const { PublicAccessBlockConfiguration } = await aws.s3.send(
        new GetPublicAccessBlockCommand({ Bucket }),
      );
      const put = (changed: { readonly BlockPublicPolicy?: boolean }) => () =>
        aws.s3.send(
          new PutPublicAccessBlockCommand({
            Bucket,
            PublicAccessBlockConfiguration: { ...PublicAccessBlockConfiguration, ...changed },
          }),
        );
      await between(put({ BlockPublicPolicy: false }), step, put({}));
    },
  },
  {
    what: 'a bucket has lost its policy',
    check: 'bucket-policies',
    group: 'buckets',
    async during({ aws, stack }, step) {
      const Bucket = stack.outputs.RawBucketName;
      const { Policy } = await aws.s3.send(new GetBucketPolicyCommand({ Bucket }));
      await between(
        () => aws.s3.send(new DeleteBucketPolicyCommand({ Bucket })),
        step,
        () => aws.s3.send(new PutBucketPolicyCommand({ Bucket, Policy })),
      );
    },
  },
  withNotifications('the raw bucket sends no events', () => []),
  withNotifications('the raw bucket sends events of another prefix', (configurations) =>
    configurations.map((configuration) => ({
      ...configuration,
      Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'originals/' }] } },
    })),
  ),
  withAttribute('the resize queue has lost its policy', 'Policy', '', 'queue-policies'),
  withAttribute('the resize queue has no dead-letter queue', 'RedrivePolicy', '', 'queue-redrive'),
  {
    what: 'nothing polls the resize queue',
    check: 'event-source-mappings',
    group: 'events',
    async during(parts, step) {
      const UUID = physicalIdOf(parts, 'AWS::Lambda::EventSourceMapping', 'ResizeEventSource');
      const set = (Enabled: boolean) => () =>
        parts.aws.lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }));
      await between(set(false), step, set(true));
    },
  },
  {
    what: 'the reconciler does not start by itself',
    check: 'schedules',
    group: 'events',
    async during(parts, step) {
      const Name = physicalIdOf(parts, 'AWS::Events::Rule').split('|').at(-1);
      const { eventBridge } = parts.aws;
      await between(
        () => eventBridge.send(new DisableRuleCommand({ Name })),
        step,
        () => eventBridge.send(new EnableRuleCommand({ Name })),
      );
    },
  },
  {
    what: 'an alarm does nothing',
    check: 'alarm-actions',
    group: 'alarms',
    async during(parts, step) {
      const AlarmNames = [physicalIdOf(parts, 'AWS::CloudWatch::Alarm')];
      const { cloudWatch } = parts.aws;
      await between(
        () => cloudWatch.send(new DisableAlarmActionsCommand({ AlarmNames })),
        step,
        () => cloudWatch.send(new EnableAlarmActionsCommand({ AlarmNames })),
      );
    },
  },
  {
    what: 'an operator is not subscribed to alerts any more',
    check: 'alert-subscriptions',
    group: 'alarms',
    async during({ aws, stack }, step) {
      const TopicArn = stack.outputs.AlertsTopicArn;
      const { Subscriptions = [] } = await aws.sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
      const { SubscriptionArn, Endpoint } = Subscriptions.find(({ Protocol }) => Protocol === 'email') ?? {};
      await between(
        () => aws.sns.send(new UnsubscribeCommand({ SubscriptionArn })),
        step,
        () => aws.sns.send(new SubscribeCommand({ TopicArn, Protocol: 'email', Endpoint })),
      );
    },
  },
  {
    what: 'a message was set aside',
    check: 'dead-letters',
    group: 'queues',
    async during({ aws, stack }, step) {
      const QueueUrl = stack.allOutputs['ResizeDeadLetterQueueUrl'];
      await between(
        () => aws.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{"Records":[]}' })),
        step,
        () => aws.sqs.send(new PurgeQueueCommand({ QueueUrl })),
      );
    },
  },
];
