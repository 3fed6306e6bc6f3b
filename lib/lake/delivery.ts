import { Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import {
  Policy,
  PolicyStatement,
  type PolicyStatementProps,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import {
  DeliveryStream,
  EnableLogging,
  InputFormat,
  LambdaFunctionProcessor,
  OutputFormat,
  S3Bucket,
  SchemaConfiguration,
  StreamEncryption,
} from 'aws-cdk-lib/aws-kinesisfirehose';
import { LogGroup, LogStream, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { FirehoseSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { lakeEnvironment } from '../../lambdas/lake/environment.ts';
import { lakePrefixes, partitionPrefix } from '../../lambdas/lake/table.ts';
import { writeEnvironment } from '../../lambdas/runtime/environment.ts';
import { acknowledge, logicalIdOf } from '../constructs/acknowledge.ts';
import { inOwnAccount } from '../constructs/own-account.ts';
import { requireType } from '../constructs/require-type.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import type { EventsTable } from './events-table.ts';

export interface DeliveryProps {
  readonly imageEvents: ITopic;
  readonly bucket: IBucket;
  readonly events: EventsTable;
  readonly logRetention: RetentionDays;
}

/** The longest that Firehose buffers: fewer and larger objects cost less to write and to read. */
export const bufferingInterval = Duration.minutes(15);

/** Delivers events from the topic to the bucket: validated, as Parquet, in partitions of type and day. */
export class Delivery extends Construct {
  readonly transformer: ServiceFunction;
  readonly stream: DeliveryStream;
  /** Events that SNS could not deliver. */
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, { imageEvents, bucket, events, logRetention }: DeliveryProps) {
    super(scope, id);
    this.transformer = new ServiceFunction(this, 'Transformer', {
      entry: 'lambdas/lake/index.ts',
      description: 'Turns events into rows, and refuses invalid ones',
      environment: writeEnvironment(lakeEnvironment, { stackName: Stack.of(this).stackName }),
      memoryMiB: 512,
      timeout: Duration.minutes(1),
      logRetention,
      statements: [],
    });
    const logGroup = new LogGroup(this, 'Logs', {
      retention: logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('firehose.amazonaws.com') });
    this.stream = new DeliveryStream(this, 'Stream', {
      encryption: StreamEncryption.awsOwnedKey(),
      destination: new S3Bucket(bucket, {
        // CDK's own grants are wider, on the bucket above all.
        role: role.withoutPolicyUpdates(),
        loggingConfig: new EnableLogging(logGroup),
        processors: [new LambdaFunctionProcessor(this.transformer, { bufferSize: Size.mebibytes(1) })],
        // By the time in the event, not of its arrival: copies of an event share a partition.
        dynamicPartitioning: { enabled: true },
        dataOutputPrefix: partitionPrefix({
          type: '!{partitionKeyFromLambda:type}',
          dt: '!{partitionKeyFromLambda:dt}',
        }),
        errorOutputPrefix: `${lakePrefixes.errors}!{firehose:error-output-type}/!{timestamp:yyyy-MM-dd}/`,
        bufferingInterval,
        bufferingSize: Size.mebibytes(128),
        dataFormatConversion: {
          schemaConfiguration: SchemaConfiguration.fromCfnTable(events.cfnTable),
          inputFormat: InputFormat.OPENX_JSON,
          outputFormat: OutputFormat.PARQUET,
        },
      }),
    });
    // CDK keeps the stream of a log that is deleted.
    requireType(logGroup.node.findChild('S3Destination'), LogStream).applyRemovalPolicy(
      RemovalPolicy.DESTROY,
    );
    // A list of Firehose's addresses, which only streams into a VPC use.
    Stack.of(this).node.tryRemoveChild('@aws-cdk--aws-kinesisfirehose.CidrBlocks');
    const policy = new Policy(this, 'Policy', {
      roles: [role],
      statements: this.statements({ bucket, events, logGroup }).map((each) => new PolicyStatement(each)),
    });
    for (const prefix of [lakePrefixes.events, lakePrefixes.errors]) {
      acknowledge(
        policy,
        `IAM5[Resource::<${logicalIdOf(bucket)}.Arn>/${prefix}*]`,
        'Firehose names its objects by time and at random, so their names are not known beforehand: a key prefix is as narrow as this can be.',
      );
    }
    // Firehose checks immediately whether it may read the schema.
    this.stream.node.addDependency(policy);

    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(
      this.deadLetterQueue,
      'SQS3',
      'The queue is itself the dead-letter queue of the subscription, which the rule does not consider.',
    );
    const subscription = imageEvents.addSubscription(
      new FirehoseSubscription(this.stream, {
        rawMessageDelivery: true,
        deadLetterQueue: this.deadLetterQueue,
      }),
    );
    // SNS checks immediately whether the role may write to the stream (as Firehose does: aws/aws-cdk#21827).
    // CDK's class for subscriptions waits for the role, but not for its policy.
    subscription.node.addDependency(requireType(this.stream.node.findChild('TopicSubscriptionRole'), Role));
  }

  /** Firehose Developer Guide, "Controlling access". */
  private statements({
    bucket,
    events,
    logGroup,
  }: Pick<DeliveryProps, 'bucket' | 'events'> & {
    readonly logGroup: LogGroup;
  }): readonly PolicyStatementProps[] {
    const { functionArn } = this.transformer;
    return [
      {
        actions: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'],
        resources: [lakePrefixes.events, lakePrefixes.errors].map((prefix) =>
          bucket.arnForObjects(`${prefix}*`),
        ),
        ...inOwnAccount(this),
      },
      {
        actions: ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'],
        resources: [bucket.bucketArn],
        ...inOwnAccount(this),
      },
      {
        actions: ['glue:GetTable', 'glue:GetTableVersion', 'glue:GetTableVersions'],
        // Glue checks each of these (Glue Developer Guide, "Specifying AWS Glue resource ARNs").
        resources: [events.database.catalog.catalogArn, events.database.databaseArn, events.table.tableArn],
      },
      {
        actions: ['lambda:InvokeFunction', 'lambda:GetFunctionConfiguration'],
        resources: [functionArn, `${functionArn}:$LATEST`],
      },
      // The ARN ends with ":*", the group's streams.
      { actions: ['logs:PutLogEvents'], resources: [logGroup.logGroupArn] },
    ];
  }
}
