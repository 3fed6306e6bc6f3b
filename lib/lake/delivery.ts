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
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { FirehoseSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { lakeEnvironment } from '../../lambdas/lake/environment.ts';
import { lakePrefixes, partitionPrefix } from '../../lambdas/lake/table.ts';
import { writeEnvironment } from '../../lambdas/runtime/environment.ts';
import { inOwnAccount } from '../constructs/own-account.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import type { EventsTable } from './events-table.ts';

export interface DeliveryProps {
  readonly imageEvents: ITopic;
  readonly bucket: IBucket;
  readonly events: EventsTable;
  readonly logRetention: RetentionDays;
}

/** The longest that Firehose waits: fewer and larger objects cost less to write and to read. */
export const bufferingInterval = Duration.minutes(15);

/** Brings events from the topic into the bucket: checked, as Parquet, each in the partition of its type and day. */
export class Delivery extends Construct {
  readonly transformer: ServiceFunction;
  readonly stream: DeliveryStream;
  /** What SNS could not hand over. */
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, { imageEvents, bucket, events, logRetention }: DeliveryProps) {
    super(scope, id);
    this.transformer = new ServiceFunction(this, 'Transformer', {
      entry: 'lambdas/lake/index.ts',
      description: 'Makes rows of events, and refuses what is none',
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
        // What CDK would grant by itself is wider, on the bucket above all.
        role: role.withoutPolicyUpdates(),
        loggingConfig: new EnableLogging(logGroup),
        processors: [new LambdaFunctionProcessor(this.transformer, { bufferSize: Size.mebibytes(1) })],
        // By what an event says, not by when it comes: its copies are in one place, where a query finds them together.
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
    // A list of the addresses that Firehose comes from, which only streams into a VPC use.
    Stack.of(this).node.tryRemoveChild('@aws-cdk--aws-kinesisfirehose.CidrBlocks');
    const policy = new Policy(this, 'Policy', {
      roles: [role],
      statements: this.statements({ bucket, events, logGroup }).map((each) => new PolicyStatement(each)),
    });
    // Firehose looks at once whether it may read the schema.
    this.stream.node.addDependency(policy);

    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    imageEvents.addSubscription(
      new FirehoseSubscription(this.stream, {
        rawMessageDelivery: true,
        deadLetterQueue: this.deadLetterQueue,
      }),
    );
  }

  /** Firehose Developer Guide, "Controlling access": what Firehose does with each. */
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
        // Glue asks for each of these (Glue Developer Guide, "Specifying AWS Glue resource ARNs").
        resources: [events.database.catalog.catalogArn, events.database.databaseArn, events.table.tableArn],
      },
      {
        actions: ['lambda:InvokeFunction', 'lambda:GetFunctionConfiguration'],
        resources: [functionArn, `${functionArn}:$LATEST`],
      },
      // Ends with ":*": the group's streams.
      { actions: ['logs:PutLogEvents'], resources: [logGroup.logGroupArn] },
    ];
  }
}
