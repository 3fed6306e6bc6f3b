import { Duration } from 'aws-cdk-lib';
import type { ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
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
import type { Auth, Links } from '../../lambdas/ingest/auth.ts';
import type { IngestEnvironment } from '../../lambdas/ingest/environment.ts';
import type { Monitored } from '../constructs/monitored.ts';
import { inOwnAccount } from '../constructs/own-account.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import { ingestMemoryMiB } from '../function-memory.ts';
import { ingestMonitoring } from './ingest-monitoring.ts';

export interface IngestProps {
  /** The service to which metrics, logs and events belong. */
  readonly serviceName: string;
  readonly rawBucket: IBucket;
  readonly thumbnailBucket: IBucket;
  readonly catalog: ITable;
  readonly admission: Table;
  readonly resizeQueue: IQueue;
  readonly imageEvents: ITopic;
  /** @default - mail is off */
  readonly mail?: { readonly requests: ITable; readonly allowedRecipients: readonly string[] };
  readonly variantsJson: string;
  readonly stage: string;
  /** Beginning of links: with the stage, without a slash at the end. @default - the address of the request */
  readonly publicUrl?: string;
  readonly auth: Auth;
  readonly links: Links;
  readonly maxInlineBytes: number;
  readonly maxUploadBytes: number;
  readonly urlLifetimeSeconds: number;
  readonly maxUploadsPerDay: number;
  readonly maxUploadBytesPerDay: number;
  readonly maxWaitingCallers: number;
  /** Functions that run at once. @default - as many as the account's quota allows */
  readonly maxConcurrency?: number;
  readonly logRetention: RetentionDays;
}

/** Receives uploads: stores the original and answers with presigned URLs of the thumbnails to come. */
export class Ingest extends Construct {
  readonly handler: ServiceFunction;
  /** The environment of the code, as a function and in a container. */
  readonly environment: IngestEnvironment;
  /** The permissions of the code, as a function and in a container. */
  readonly statements: readonly PolicyStatementProps[];
  readonly monitored: Monitored;
  /** A role that can only sign URLs. Unlike those of a function, its credentials end at a known time. */
  private readonly urlSigner: Role;

  constructor(scope: Construct, id: string, props: IngestProps) {
    super(scope, id);
    const { rawBucket, thumbnailBucket, catalog, admission, mail, publicUrl } = props;
    const environment = {
      RAW_BUCKET: rawBucket.bucketName,
      THUMBNAIL_BUCKET: thumbnailBucket.bucketName,
      CATALOG_TABLE: catalog.tableName,
      RESIZE_QUEUE_URL: props.resizeQueue.queueUrl,
      IMAGE_EVENTS_TOPIC_ARN: props.imageEvents.topicArn,
      STACK_NAME: props.serviceName,
      VARIANTS: props.variantsJson,
      MAX_INLINE_BYTES: String(props.maxInlineBytes),
      MAX_UPLOAD_BYTES: String(props.maxUploadBytes),
      URL_LIFETIME_SECONDS: String(props.urlLifetimeSeconds),
      ADMISSION_TABLE: admission.tableName,
      MAX_UPLOADS_PER_DAY: String(props.maxUploadsPerDay),
      MAX_UPLOAD_BYTES_PER_DAY: String(props.maxUploadBytesPerDay),
      MAX_WAITING_CALLERS: String(props.maxWaitingCallers),
      STAGE: props.stage,
      AUTH: JSON.stringify(props.auth),
      LINKS: props.links,
      ...(publicUrl && { PUBLIC_URL: publicUrl }),
      ...(mail && {
        MAIL_REQUESTS_TABLE: mail.requests.tableName,
        ALLOWED_RECIPIENTS: JSON.stringify(mail.allowedRecipients),
      }),
    } satisfies IngestEnvironment;
    const statements: readonly PolicyStatementProps[] = [
      {
        // GetObject also allows HeadObject, which finds out whether an original exists.
        actions: ['s3:PutObject', 's3:GetObject'],
        resources: [rawBucket.arnForObjects(`${originalPrefix}*`)],
        ...inOwnAccount(this),
      },
      // Without it S3 answers 403 instead of 404 for an original that does not exist.
      { actions: ['s3:ListBucket'], resources: [rawBucket.bucketArn], ...inOwnAccount(this) },
      {
        actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
        resources: [catalog.tableArn],
      },
      { actions: ['dynamodb:UpdateItem'], resources: [admission.tableArn] },
      // For images whose original exists, but not the thumbnails of the present settings.
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
      environment,
      memoryMiB: ingestMemoryMiB,
      timeout: Duration.seconds(29),
      maxConcurrency: props.maxConcurrency,
      logRetention: props.logRetention,
      statements,
    });

    this.urlSigner = this.createUrlSigner(rawBucket, thumbnailBucket);
    const assumeSigner = { actions: ['sts:AssumeRole'], resources: [this.urlSigner.roleArn] };
    this.handler.addToRolePolicy(new PolicyStatement(assumeSigner));
    const signerVariable = {
      URL_SIGNER_ROLE_ARN: this.urlSigner.roleArn,
    } satisfies Partial<IngestEnvironment>;
    for (const [name, value] of Object.entries(signerVariable)) this.handler.addEnvironment(name, value);
    this.statements = [...statements, assumeSigner];
    this.environment = { ...environment, ...signerVariable };
    this.monitored = ingestMonitoring({ serviceName: props.serviceName, handler: this.handler, admission });
  }

  /** Lets another role sign URLs as the function does. */
  grantUrlSigning(role: IRole): void {
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
      // Without it S3 answers 403 instead of 404 for a thumbnail that is not ready yet.
      { actions: ['s3:ListBucket'], resources: [thumbnailBucket.bucketArn], ...inOwnAccount(this) },
    ]) {
      signer.addToPolicy(new PolicyStatement(statement));
    }
    return signer;
  }
}
