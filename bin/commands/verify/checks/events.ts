import { DescribeRuleCommand, ListTargetsByRuleCommand } from '@aws-sdk/client-eventbridge';
import { GetEventSourceMappingCommand } from '@aws-sdk/client-lambda';
import { GetBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3';
import { GetSubscriptionAttributesCommand } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, type QueueAttributeName } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { arrivalPrefix, originalPrefix } from '../../../../lambdas/image/keys.ts';
import { describeAwsError } from '../../aws-errors.ts';
import type { AwsClients } from '../aws.ts';
import type { Check, Context } from '../check.ts';
import type { DeployedStack, StackResource } from '../deployed-stack.ts';
import { counted, judge, skipped } from '../outcome.ts';

const attributeOf = async (
  { sqs }: AwsClients,
  QueueUrl: string,
  name: QueueAttributeName,
): Promise<string | undefined> => {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [name] }));
  return Attributes?.[name];
};

/** The fault of a resource that is gone. */
const orGone = async <Found>(
  { logicalId, physicalId }: StackResource,
  ask: () => Promise<Found>,
): Promise<Found | string> => {
  try {
    return await ask();
  } catch (error) {
    if (describeAwsError(error).kind !== 'not-found') throw error;
    return `${logicalId} (${physicalId}) does not exist any more.`;
  }
};

const policySchema = z.looseObject({
  Statement: z.array(
    z.looseObject({
      Effect: z.string(),
      Principal: z.unknown(),
      Action: z.union([z.string(), z.array(z.string())]),
      Condition: z.unknown().optional(),
    }),
  ),
});

/**
 * Whether a queue's policy lets a service of AWS send messages.
 *
 * @param sources what the statement may be limited to: the ARN of a bucket or topic, or its account
 */
export const maySend = (
  policyText: string | undefined,
  service: string,
  sources: readonly string[],
): boolean => {
  if (policyText === undefined || policyText === '') return false;
  return policySchema
    .parse(JSON.parse(policyText))
    .Statement.some(
      ({ Effect, Principal, Action, Condition }) =>
        Effect === 'Allow' &&
        JSON.stringify(Principal ?? '').includes(`"${service}"`) &&
        [Action].flat().includes('sqs:SendMessage') &&
        sources.some((source) => JSON.stringify(Condition ?? '').includes(`"${source}"`)),
    );
};

/** The queues of the image events' subscriptions: SNS sends to them. */
const subscribedQueues = (
  context: Context,
): readonly { readonly url: string; readonly topicArn: string }[] => {
  const { NotifyQueueUrl: url } = context.stack.allOutputs;
  return url === undefined ? [] : [{ url, topicArn: context.stack.outputs.ImageEventsTopicArn }];
};

/** The queues that get events of the raw bucket. Only known callers upload to a place of their own first. */
const bucketEventsOf = ({ outputs, allOutputs }: Pick<DeployedStack, 'outputs' | 'allOutputs'>) => {
  const { DeleteQueueUrl: deletions, OwnersTableName: owners } = allOutputs;
  return [
    { what: 'originals', below: originalPrefix, queueUrl: outputs.ResizeQueueUrl },
    ...(owners === undefined || deletions === undefined
      ? []
      : [{ what: 'arrivals', below: arrivalPrefix, queueUrl: deletions }]),
  ];
};

const redriveSchema = z.looseObject({ deadLetterTargetArn: z.string(), maxReceiveCount: z.coerce.number() });

/** The way of an original from the bucket to the function, and what runs by itself. */
export const eventChecks: readonly Check[] = [
  {
    name: 'bucket-notifications',
    group: 'events',
    quick: true,
    description: 'The raw bucket sends an event of each new object to the queue that processes it.',
    async run({ stack, aws }) {
      const { RawBucketName: Bucket } = stack.outputs;
      const { QueueConfigurations = [] } = await aws.s3.send(
        new GetBucketNotificationConfigurationCommand({ Bucket }),
      );
      const faults: string[] = [];
      const expected = bucketEventsOf(stack);
      for (const { what, below, queueUrl } of expected) {
        const queueArn = await attributeOf(aws, queueUrl, 'QueueArn');
        const toQueue = QueueConfigurations.filter(({ QueueArn }) => QueueArn === queueArn);
        const prefixes = toQueue.map(
          ({ Filter }) =>
            Filter?.Key?.FilterRules?.find(({ Name = '' }) => Name.toLowerCase() === 'prefix')?.Value ?? '',
        );
        const events = toQueue.flatMap(({ Events = [] }) => Events);
        if (toQueue.length === 0) {
          faults.push(`${Bucket} sends no events to ${queueUrl}.`);
          continue;
        }
        if (!prefixes.some((prefix) => below.startsWith(prefix))) {
          faults.push(
            `${Bucket} sends events only for ${prefixes.join(', ')} to ${queueUrl}, but ${what} are below ${below}.`,
          );
        }
        if (!events.includes('s3:ObjectCreated:*')) {
          faults.push(`${Bucket} sends events only of ${events.join(', ')} to ${queueUrl}.`);
        }
      }
      return judge(faults, `Events reach ${counted(expected.length, 'queue')}.`);
    },
  },
  {
    name: 'queue-policies',
    group: 'events',
    quick: true,
    description: 'Queues accept the events that S3 and SNS send to them.',
    async run(context) {
      const { stack, aws } = context;
      const { RawBucketName, ImageEventsTopicArn } = stack.outputs;
      const account = ImageEventsTopicArn.split(':')[4] ?? '';
      const senders = [
        ...bucketEventsOf(stack).map(({ queueUrl }) => ({
          url: queueUrl,
          service: 's3.amazonaws.com',
          arn: `arn:aws:s3:::${RawBucketName}`,
        })),
        ...subscribedQueues(context).map(({ url, topicArn }) => ({
          url,
          service: 'sns.amazonaws.com',
          arn: topicArn,
        })),
      ];
      const faults: string[] = [];
      for (const { url, service, arn } of senders) {
        if (!maySend(await attributeOf(aws, url, 'Policy'), service, [arn, account])) {
          faults.push(`The policy of ${url} does not let ${service} send messages for ${arn}.`);
        }
      }
      return judge(faults, `Allowed: ${counted(senders.length, 'sender')}.`);
    },
  },
  {
    name: 'queue-redrive',
    group: 'events',
    quick: true,
    description: 'Each queue of work moves a message that fails again and again to its dead-letter queue.',
    async run({ stack, aws }) {
      const queues = stack.of('AWS::SQS::Queue').filter(({ properties }) => properties['RedrivePolicy']);
      const arns = await Promise.all(
        stack.of('AWS::SQS::Queue').map(({ physicalId }) => attributeOf(aws, physicalId, 'QueueArn')),
      );
      const faults: string[] = [];
      for (const { physicalId } of queues) {
        const policy = await attributeOf(aws, physicalId, 'RedrivePolicy');
        const target = policy ? redriveSchema.parse(JSON.parse(policy)).deadLetterTargetArn : undefined;
        if (target === undefined)
          faults.push(`${physicalId} has no dead-letter queue: failing messages are lost.`);
        else if (!arns.includes(target))
          faults.push(`The dead letters of ${physicalId} go to ${target}, not to the stack.`);
      }
      return judge(faults, `With a dead-letter queue: ${counted(queues.length, 'queue')}.`);
    },
  },
  {
    name: 'event-source-mappings',
    group: 'events',
    quick: true,
    description: 'Lambda polls each queue: every event source mapping is enabled.',
    async run({ stack, aws }) {
      const mappings = stack.of('AWS::Lambda::EventSourceMapping');
      if (mappings.length === 0) return skipped('Containers poll the queues.');
      const faults: string[] = [];
      for (const mapping of mappings) {
        const found = await orGone(mapping, () =>
          aws.lambda.send(new GetEventSourceMappingCommand({ UUID: mapping.physicalId })),
        );
        if (typeof found === 'string') faults.push(found);
        else if (found.State !== 'Enabled')
          faults.push(`${mapping.logicalId} is ${found.State}: nothing polls its queue.`);
      }
      return judge(faults, `Enabled: ${counted(mappings.length, 'mapping')}.`);
    },
  },
  {
    name: 'event-subscriptions',
    group: 'events',
    quick: true,
    description: 'Each subscription of the stack to a topic, apart from mail addresses, is there.',
    async run({ stack, aws }) {
      const subscriptions = stack
        .of('AWS::SNS::Subscription')
        .filter(({ properties }) => properties['Protocol'] !== 'email');
      if (subscriptions.length === 0) return skipped('The stack subscribes nothing to its topics.');
      const faults: string[] = [];
      for (const subscription of subscriptions) {
        const found = await orGone(subscription, () =>
          aws.sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn: subscription.physicalId })),
        );
        if (typeof found === 'string') faults.push(found);
      }
      return judge(faults, `${counted(subscriptions.length, 'subscription')}.`);
    },
  },
  {
    name: 'schedules',
    group: 'events',
    quick: true,
    description: 'Each schedule is enabled and starts a function.',
    async run({ stack, aws }) {
      const rules = stack.of('AWS::Events::Rule');
      const functions = stack.of('AWS::Lambda::Function').map(({ physicalId }) => physicalId);
      const faults: string[] = [];
      const seen: string[] = [];
      for (const rule of rules) {
        const Name = rule.physicalId.split('|').at(-1) ?? '';
        const found = await orGone(rule, async () => ({
          ...(await aws.eventBridge.send(new DescribeRuleCommand({ Name }))),
          ...(await aws.eventBridge.send(new ListTargetsByRuleCommand({ Rule: Name }))),
        }));
        if (typeof found === 'string') {
          faults.push(found);
          continue;
        }
        const { State, ScheduleExpression, Targets = [] } = found;
        if (State !== 'ENABLED') faults.push(`${rule.logicalId} is ${State}.`);
        if (!Targets.some(({ Arn = '' }) => functions.includes(Arn.split(':').at(-1) ?? ''))) {
          faults.push(`${rule.logicalId} starts no function of the stack.`);
        }
        seen.push(`${rule.logicalId} ${ScheduleExpression}`);
      }
      return judge(faults, `${seen.join(', ')}.`);
    },
  },
];
