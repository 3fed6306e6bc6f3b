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
import type { Auth, Links } from '../../lambdas/ingest/auth.ts';
import type { IngestEnvironment } from '../../lambdas/ingest/environment.ts';
import { inOwnAccount } from '../constructs/own-account.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import type { Mail } from '../notify/notify.ts';
import { ingestMemoryMiB } from '../resize/function-memory.ts';

export interface IngestProps {
  readonly rawBucket: IBucket;
  readonly thumbnailBucket: IBucket;
  readonly catalog: ITable;
  readonly admission: ITable;
  readonly resizeQueue: IQueue;
  readonly imageEvents: ITopic;
  /** @default - mail is off */
  readonly mail?: Pick<Mail, 'requests' | 'allowedRecipients'>;
  readonly variantsJson: string;
  readonly stage: string;
  /** What links begin with: with the stage, without a slash at the end. @default - what the request came to */
  readonly publicUrl?: string;
  readonly auth: Auth;
  readonly links: Links;
  readonly maxInlineBytes: number;
  readonly maxUploadBytes: number;
  readonly urlLifetimeSeconds: number;
  readonly maxUploadsPerDay: number;
  readonly maxUploadBytesPerDay: number;
  readonly maxWaitingCallers: number;
  /** Functions that run at once. @default - as many as the account allows */
  readonly maxConcurrency?: number;
  readonly logRetention: RetentionDays;
}

/** Takes uploads in: stores the original and answers with presigned URLs of the thumbnails to come. */
export class Ingest extends Construct {
  readonly handler: ServiceFunction;
  /** What the code is told, in whichever way it runs. */
  readonly environment: IngestEnvironment;
  /** What the code may do, in whichever way it runs. */
  readonly statements: readonly PolicyStatementProps[];
  /** Signs URLs, and can do nothing else; it is known when its credentials end. */
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
      STACK_NAME: Stack.of(this).stackName,
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
      environment,
      memoryMiB: ingestMemoryMiB,
      timeout: Duration.seconds(29),
      maxConcurrency: props.maxConcurrency,
      logRetention: props.logRetention,
      statements,
    });

    this.urlSigner = this.createUrlSigner(rawBucket, thumbnailBucket);
    const takeOnSigner = { actions: ['sts:AssumeRole'], resources: [this.urlSigner.roleArn] };
    this.handler.addToRolePolicy(new PolicyStatement(takeOnSigner));
    const signerVariable = {
      URL_SIGNER_ROLE_ARN: this.urlSigner.roleArn,
    } satisfies Partial<IngestEnvironment>;
    for (const [name, value] of Object.entries(signerVariable)) this.handler.addEnvironment(name, value);
    this.statements = [...statements, takeOnSigner];
    this.environment = { ...environment, ...signerVariable };
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
