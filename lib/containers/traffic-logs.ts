import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Settings } from '../settings.ts';

export interface TrafficLogsProps {
  readonly retentionDays: Settings['logRetentionDays'];
  readonly onDestroy: Settings['imagesOnDestroy'];
}

/** Where the load balancer and the network write: what each of them puts before its objects' names. */
export const trafficLogPrefixes = { connections: 'connections', refused: 'refused' } as const;

/**
 * Every connection to the load balancer, and every one that the network refused. AWS writes them as files
 * only, and encrypted with keys of S3 only (Elastic Load Balancing, "Enable connection logs for your Application Load
 * Balancer"). What is in the bucket outlives it, as images do, but not for longer than any log.
 */
export class TrafficLogs extends Bucket {
  constructor(scope: Construct, id: string, { retentionDays, onDestroy }: TrafficLogsProps) {
    super(scope, id, {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      lifecycleRules: [
        {
          id: 'ExpireLogs',
          expiration: Duration.days(retentionDays),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
      removalPolicy: onDestroy === 'keep' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      autoDeleteObjects: onDestroy === 'delete',
    });
    // `logAccessLogs` of CDK allows an account of AWS instead, another one for each region, which must be known then.
    this.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: [
          this.arnForObjects(`${trafficLogPrefixes.connections}/AWSLogs/${Stack.of(this).account}/*`),
        ],
      }),
    );
  }
}
