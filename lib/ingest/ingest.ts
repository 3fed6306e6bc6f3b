import { Duration, Stack } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import {
  ArnPrincipal,
  type IRole,
  PolicyStatement,
  type PolicyStatementProps,
  Role,
} from 'aws-cdk-lib/aws-iam';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { originalPrefix, thumbnailPrefix } from '../../lambdas/image/keys.ts';
import { type IngestEnvironment, ingestEnvironment } from '../../lambdas/ingest/environment.ts';
import { writeEnvironment, writeVariables } from '../../lambdas/runtime/environment.ts';
import { inOwnAccount } from '../constructs/own-account.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import type { Mail } from '../notify/notify.ts';
import { ingestMemoryMiB } from '../resize/function-memory.ts';
import type { Settings } from '../settings.ts';

export interface IngestProps {
  readonly rawBucket: IBucket;
  readonly thumbnailBucket: IBucket;
  readonly catalog: ITable;
  readonly admission: ITable;
  readonly resizeQueue: IQueue;
  readonly imageEvents: ITopic;
  /** @default - mail is off */
  readonly mail?: Pick<Mail, 'requests' | 'allowedRecipients'>;
  readonly settings: Settings;
  /** Start of every link: with the stage, without a slash at the end. @default - the URL of the request */
  readonly publicUrl?: string;
  readonly logRetention: RetentionDays;
}

/** Takes uploads in: stores the original and answers with presigned URLs of the thumbnails to come. */
export class Ingest extends Construct {
  readonly handler: ServiceFunction;
  /** Values for the code, which runs as a function or in containers. */
  readonly environment: IngestEnvironment;
  /** Permissions of the code, which runs as a function or in containers. */
  readonly statements: readonly PolicyStatementProps[];
  /** Signs URLs, and can do nothing else; it is known when its credentials end. */
  private readonly urlSigner: Role;

  constructor(scope: Construct, id: string, props: IngestProps) {
    super(scope, id);
    const { rawBucket, thumbnailBucket, catalog, admission, mail, settings } = props;
    const environment: IngestEnvironment = {
      ...settings,
      rawBucket: rawBucket.bucketName,
      thumbnailBucket: thumbnailBucket.bucketName,
      catalogTable: catalog.tableName,
      resizeQueueUrl: props.resizeQueue.queueUrl,
      imageEventsTopicArn: props.imageEvents.topicArn,
      stackName: Stack.of(this).stackName,
      admissionTable: admission.tableName,
      publicUrl: props.publicUrl,
      mailRequestsTable: mail?.requests.tableName,
      allowedRecipients: mail?.allowedRecipients,
    };
    const statements: readonly PolicyStatementProps[] = [
      {
        // GetObject is what allows to ask whether an original is there.
        actions: ['s3:PutObject', 's3:GetObject'],
        resources: [rawBucket.arnForObjects(`${originalPrefix}*`)],
        ...inOwnAccount(this),
      },
      // Without it S3 answers 403 instead of 404 for an original that is not there.
      { actions: ['s3:ListBucket'], resources: [rawBucket.bucketArn], ...inOwnAccount(this) },
      {
        actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
        resources: [catalog.tableArn],
      },
      { actions: ['dynamodb:UpdateItem'], resources: [admission.tableArn] },
      // For images whose original is there, but not the thumbnails of the present settings.
      { actions: ['sqs:SendMessage'], resources: [props.resizeQueue.queueArn] },
      { actions: ['sns:Publish'], resources: [props.imageEvents.topicArn] },
      ...(mail
        ? [
            {
              actions: ['dynamodb:PutItem', 'dynamodb:UpdateItem'],
              resources: [mail.requests.tableArn],
            },
          ]
        : []),
    ];
    this.handler = new ServiceFunction(this, 'Function', {
      entry: 'lambdas/ingest/index.ts',
      description: 'Stores uploaded images and signs the URLs of their thumbnails',
      environment: writeEnvironment(ingestEnvironment, environment),
      memoryMiB: ingestMemoryMiB,
      timeout: Duration.seconds(29),
      maxConcurrency: settings.ingestMaxConcurrency ?? undefined,
      logRetention: props.logRetention,
      statements,
    });

    this.urlSigner = this.createUrlSigner(rawBucket, thumbnailBucket);
    const takeOnSigner = { actions: ['sts:AssumeRole'], resources: [this.urlSigner.roleArn] };
    this.handler.addToRolePolicy(new PolicyStatement(takeOnSigner));
    const urlSigner = { urlSignerRoleArn: this.urlSigner.roleArn };
    for (const [name, value] of Object.entries(writeVariables(ingestEnvironment, urlSigner))) {
      this.handler.addEnvironment(name, value);
    }
    this.statements = [...statements, takeOnSigner];
    this.environment = { ...environment, ...urlSigner };
  }

  /** Lets one more role sign URLs as the function does. */
  letSignUrls(role: IRole): void {
    this.urlSigner.assumeRolePolicy?.addStatements(
      new PolicyStatement({ actions: ['sts:AssumeRole'], principals: [new ArnPrincipal(role.roleArn)] }),
    );
  }

  private createUrlSigner(rawBucket: IBucket, thumbnailBucket: IBucket): Role {
    const signer = new Role(this, 'UrlSigner', {
      description: 'Signs the URLs that show thumbnails and take large uploads',
      assumedBy: new ArnPrincipal(this.handler.executionRole.roleArn),
    });
    for (const statement of [
      {
        actions: ['s3:PutObject'],
        resources: [rawBucket.arnForObjects(`${originalPrefix}*`)],
        ...inOwnAccount(this),
      },
      {
        actions: ['s3:GetObject'],
        resources: [thumbnailBucket.arnForObjects(`${thumbnailPrefix}*`)],
        ...inOwnAccount(this),
      },
      // Lets S3 answer 404 for a thumbnail that is still being made; without it the answer is 403.
      { actions: ['s3:ListBucket'], resources: [thumbnailBucket.bucketArn], ...inOwnAccount(this) },
    ]) {
      signer.addToPolicy(new PolicyStatement(statement));
    }
    return signer;
  }
}
