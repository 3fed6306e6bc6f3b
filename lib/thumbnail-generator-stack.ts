import {
  CfnOutput,
  type CfnOutputProps,
  CrossStackReferences,
  ReferenceStrength,
  Stack,
  type StackProps,
} from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { routes } from '../lambdas/ingest/routes.ts';
import { MonthlyBudget } from './cost/monthly-budget.ts';
import { serviceTag, stackTagsOf } from './cost/settings.ts';
import type { Settings } from './settings.ts';
import { ThumbnailGenerator } from './thumbnail-generator.ts';

export interface ThumbnailGeneratorStackProps extends StackProps {
  readonly settings: Settings;
}

/** The construct as a stack of its own, with outputs. */
export class ThumbnailGeneratorStack extends Stack {
  /** Publishes what happens to images. */
  readonly imageEvents: ITopic;
  /** Publishes alarms. */
  readonly alerts: ITopic;

  constructor(scope: Construct, id: string, { settings, ...stackProps }: ThumbnailGeneratorStackProps) {
    // A deleted stack leaves its images behind, but no API that shows them: each permanent link is broken.
    const terminationProtection = settings.imagesOnDestroy === 'keep';
    const tags = stackTagsOf(settings);
    super(scope, id, { terminationProtection, tags, ...stackProps });
    // The id `Default` is no part of logical ids: older stacks, without this construct, keep their resources.
    const service = new ThumbnailGenerator(this, 'Default', settings);
    this.imageEvents = service.imageEvents;
    this.alerts = service.alerts;
    // For the data lake. CloudFormation refuses to replace a topic while another stack imports its name: the
    // lake would go on listening to the old one (aws/aws-cdk#6346). They stay without the setting `dataLake`,
    // because the lake's stack imports them until it is destroyed.
    for (const topic of [this.imageEvents, this.alerts]) {
      CrossStackReferences.of(topic).produce(ReferenceStrength.STRONG);
      this.exportValue(topic.topicArn);
    }
    if (settings.budget) {
      new MonthlyBudget(this, 'MonthlyBudget', {
        ...settings.budget,
        service: tags[serviceTag],
        alerts: service.alerts,
      });
    }
    addOutputs(this, {
      UploadUrl: { value: service.api.uploadUrl, description: 'POST an image here' },
      RawBucketName: { value: service.rawBucket.bucketName },
      ThumbnailBucketName: { value: service.thumbnailBucket.bucketName },
      CatalogTableName: { value: service.catalog.tableName },
      AdmissionTableName: { value: service.admission.tableName },
      ResizeQueueUrl: { value: service.resizeQueue.queue.queueUrl },
      ResizeDeadLetterQueueUrl: { value: service.resizeQueue.deadLetterQueue.queueUrl },
      SlowResizeQueueUrl: { value: service.slowResizeQueue.queue.queueUrl },
      SlowResizeDeadLetterQueueUrl: { value: service.slowResizeQueue.deadLetterQueue.queueUrl },
      DeleteQueueUrl: { value: service.deleteQueue.queue.queueUrl },
      DeleteDeadLetterQueueUrl: { value: service.deleteQueue.deadLetterQueue.queueUrl },
      ReconcilerFunctionName: { value: service.reconciler.handler.functionName },
      ImageEventsTopicArn: { value: service.imageEvents.topicArn },
      AlertsTopicArn: { value: service.alerts.topicArn },
      ...ownersOutputs(service),
      ...mailOutputs(service),
      ...domainOutputs(service),
      ...loadBalancerOutputs(service),
    });
  }
}

type Outputs = Readonly<Record<string, CfnOutputProps>>;

const ownersOutputs = ({ owners }: ThumbnailGenerator): Outputs | undefined =>
  owners && { OwnersTableName: { value: owners.tableName } };

const mailOutputs = ({ notify }: ThumbnailGenerator): Outputs | undefined =>
  notify && {
    MailRequestsTableName: { value: notify.mailRequests.tableName },
    NotifyQueueUrl: { value: notify.queue.queue.queueUrl },
    NotifyDeadLetterQueueUrl: { value: notify.queue.deadLetterQueue.queueUrl },
  };

const domainOutputs = ({ apiDomain, url }: ThumbnailGenerator): Outputs | undefined =>
  apiDomain && {
    PublicUploadUrl: {
      value: `${url}${routes.upload.path}`,
      description: 'POST an image here, once the DNS record of the domain exists',
    },
    ApiDomainTarget: {
      value: apiDomain.target,
      description: "Value of the domain's CNAME record that leads to functions",
    },
  };

const loadBalancerOutputs = ({ loadBalancer }: ThumbnailGenerator): Outputs | undefined =>
  loadBalancer && {
    LoadBalancerDnsName: {
      value: loadBalancer.loadBalancerDnsName,
      description: "Value of the domain's CNAME record that leads to containers",
    },
    LoadBalancerArn: {
      value: loadBalancer.loadBalancerArn,
      description: 'For a web ACL of WAF in front of the load balancer',
    },
  };

const addOutputs = (stack: Stack, outputs: Outputs): void => {
  for (const [name, output] of Object.entries(outputs)) new CfnOutput(stack, name, output);
};
