import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import { PrivateBucket } from '../constructs/private-bucket.ts';

export interface TrafficLogsProps {
  readonly retention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
}

/** Prefixes of the objects that the load balancer and the network write. */
export const trafficLogPrefixes = { connections: 'connections', refused: 'refused' } as const;

/**
 * Every connection to the load balancer, and every one that the network refused. AWS writes these logs as
 * objects only, and with keys of S3 only (Elastic Load Balancing, "Enable connection logs for your
 * Application Load Balancer").
 */
export class TrafficLogs extends PrivateBucket {
  constructor(scope: Construct, id: string, { retention, removalPolicy }: TrafficLogsProps) {
    super(scope, id, {
      // Unlike kept images: the load balancer stores a test object immediately (Elastic Load Balancing,
      // "Enable connection logs"), and CloudFormation fails to delete a bucket that is not empty.
      removalPolicy: removalPolicy === RemovalPolicy.DESTROY ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
      lifecycleRules: [{ id: 'ExpireLogs', expiration: Duration.days(retention) }],
    });
    acknowledge(
      this,
      'S1',
      'The bucket holds logs itself, which only AWS writes: logs of its own would be logs about logs.',
    );
    // CDK's `logAccessLogs` grants this to an account of AWS, a different one in each region.
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
