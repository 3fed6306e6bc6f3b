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
import { arrivalPrefix, originalPrefix, thumbnailPrefix } from '../../lambdas/image/keys.ts';
import { type IngestEnvironment, ingestEnvironment } from '../../lambdas/ingest/environment.ts';
import { ownersTable } from '../../lambdas/owners/owners-table.ts';
import { writeEnvironment, writeVariables } from '../../lambdas/runtime/environment.ts';
import type { Monitored } from '../constructs/monitored.ts';
import { inOwnAccount } from '../constructs/own-account.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import { ingestMemoryMiB } from '../function-memory.ts';
import type { Settings } from '../settings.ts';
import { ingestMonitoring } from './ingest-monitoring.ts';

export interface IngestProps {
  /** The service to which metrics, logs and events belong. */
  readonly serviceName: string;
  readonly rawBucket: IBucket;
  readonly thumbnailBucket: IBucket;
  readonly catalog: ITable;
  readonly admission: Table;
  readonly resizeQueue: IQueue;
  readonly deleteQueue: IQueue;
  readonly imageEvents: ITopic;
  /** Who owns which image. @default - everyone is anonymous */
  readonly owners?: ITable | undefined;
  /** @default - mail is off */
  readonly mail?: { readonly requests: ITable; readonly allowedRecipients: readonly string[] };
  readonly settings: Settings;
  /** Start of every link: with the stage, without a slash at the end. @default - the URL of the request */
  readonly publicUrl?: string;
  readonly logRetention: RetentionDays;
}

/** Receives uploads: stores the original and answers with presigned URLs of the thumbnails to come. */
export class Ingest extends Construct {
  readonly handler: ServiceFunction;
  /** Values for the code, which runs as a function or in containers. */
  readonly environment: IngestEnvironment;
  /** Permissions of the code, which runs as a function or in containers. */
  readonly statements: readonly PolicyStatementProps[];
  readonly monitored: Monitored;
  /** A role that can only sign URLs. Unlike those of a function, its credentials end at a known time. */
  private readonly urlSigner: Role;

  constructor(scope: Construct, id: string, props: IngestProps) {
    super(scope, id);
    const { rawBucket, thumbnailBucket, catalog, admission, owners, mail, settings } = props;
    const environment: IngestEnvironment = {
      ...settings,
      rawBucket: rawBucket.bucketName,
      thumbnailBucket: thumbnailBucket.bucketName,
      catalogTable: catalog.tableName,
      resizeQueueUrl: props.resizeQueue.queueUrl,
      deleteQueueUrl: props.deleteQueue.queueUrl,
      imageEventsTopicArn: props.imageEvents.topicArn,
      stackName: props.serviceName,
      admissionTable: admission.tableName,
      publicUrl: props.publicUrl,
      ownersTable: owners?.tableName,
      mailRequestsTable: mail?.requests.tableName,
      allowedRecipients: mail && [...mail.allowedRecipients],
    };
    const statements: readonly PolicyStatementProps[] = [
      {
        // GetObject also allows HeadObject, which finds out whether an original exists.
        actions: ['s3:PutObject', 's3:GetObject'],
        resources: [rawBucket.arnForObjects(`${originalPrefix}*`)],
        ...inOwnAccount(this),
      },
      {
        // For HeadObject, which finds out whether a thumbnail is still there.
        actions: ['s3:GetObject'],
        resources: [thumbnailBucket.arnForObjects(`${thumbnailPrefix}*`)],
        ...inOwnAccount(this),
      },
      // Without it S3 answers 403 instead of 404 for an object that does not exist.
      {
        actions: ['s3:ListBucket'],
        resources: [rawBucket.bucketArn, thumbnailBucket.bucketArn],
        ...inOwnAccount(this),
      },
      {
        actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
        resources: [catalog.tableArn],
      },
      { actions: ['dynamodb:UpdateItem'], resources: [admission.tableArn] },
      // For images whose original exists, but not the thumbnails of the present settings.
      { actions: ['sqs:SendMessage'], resources: [props.resizeQueue.queueArn] },
      { actions: ['sns:Publish'], resources: [props.imageEvents.topicArn] },
      ...(owners
        ? [
            {
              actions: ['dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:Query'],
              resources: [owners.tableArn],
            },
            {
              actions: ['dynamodb:Query'],
              resources: [`${owners.tableArn}/index/${ownersTable.newestIndex.name}`],
            },
            // For an image that its last owner has deleted.
            { actions: ['sqs:SendMessage'], resources: [props.deleteQueue.queueArn] },
          ]
        : []),
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
      browserFiles: 'lambdas/ingest/web',
      // The upload page contains its source.
      nativeModules: ['thumbhash'],
      description: 'Stores uploaded images and signs the URLs of their thumbnails',
      environment: writeEnvironment(ingestEnvironment, environment),
      memoryMiB: ingestMemoryMiB,
      timeout: Duration.seconds(29),
      maxConcurrency: settings.ingestMaxConcurrency ?? undefined,
      logRetention: props.logRetention,
      statements,
    });

    this.urlSigner = this.createUrlSigner(rawBucket, thumbnailBucket, owners !== undefined);
    const assumeSigner = { actions: ['sts:AssumeRole'], resources: [this.urlSigner.roleArn] };
    this.handler.addToRolePolicy(new PolicyStatement(assumeSigner));
    const urlSigner = { urlSignerRoleArn: this.urlSigner.roleArn };
    for (const [name, value] of Object.entries(writeVariables(ingestEnvironment, urlSigner))) {
      this.handler.addEnvironment(name, value);
    }
    this.statements = [...statements, assumeSigner];
    this.environment = { ...environment, ...urlSigner };
    this.monitored = ingestMonitoring({ serviceName: props.serviceName, handler: this.handler, admission });
  }

  /** Lets another role sign URLs as the function does. */
  grantUrlSigning(role: IRole): void {
    this.urlSigner.assumeRolePolicy?.addStatements(
      new PolicyStatement({ actions: ['sts:AssumeRole'], principals: [new ArnPrincipal(role.roleArn)] }),
    );
  }

  private createUrlSigner(rawBucket: IBucket, thumbnailBucket: IBucket, areCallersKnown: boolean): Role {
    const signer = new Role(this, 'UrlSigner', {
      description: 'Signs the URLs that show thumbnails and take large uploads',
      assumedBy: new ArnPrincipal(this.handler.executionRole.roleArn),
    });
    for (const statement of [
      {
        actions: ['s3:PutObject'],
        resources: [rawBucket.arnForObjects(`${areCallersKnown ? arrivalPrefix : originalPrefix}*`)],
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
