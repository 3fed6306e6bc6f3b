import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { CfnBucket, EventType, type HttpMethods, type LifecycleRule } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { preflightSeconds } from '../../lambdas/ingest/cors.ts';
import { acknowledge, logicalIdOf } from '../constructs/acknowledge.ts';
import { PrivateBucket } from '../constructs/private-bucket.ts';
import { requireType } from '../constructs/require-type.ts';

/** Objects of one kind. */
export interface ImagePrefix {
  /** What their keys begin with. */
  readonly prefix: string;
  /** Receives an event for every new one. @default - no events */
  readonly objectCreatedQueue?: IQueue;
  /** Days after which S3 removes one. @default - never */
  readonly expireAfterDays?: number | undefined;
}

export interface ImageBucketProps {
  readonly removalPolicy: RemovalPolicy;
  /** All that the bucket contains. */
  readonly prefixes: readonly ImagePrefix[];
  /** Keeps for some days what is overwritten or removed. @default false */
  readonly versioned?: boolean;
}

/** What the setting `versioning` promises. */
const previousVersionDays = 7;

const previousVersionRules: readonly LifecycleRule[] = [
  { id: 'ExpirePreviousVersions', noncurrentVersionExpiration: Duration.days(previousVersionDays) },
  // A marker without versions: S3 does not remove it by itself (S3 User Guide, "Removing expired object
  // delete markers").
  { id: 'RemoveDeleteMarkers', expiredObjectDeleteMarker: true },
];

const expirationRules = (prefixes: readonly ImagePrefix[]): readonly LifecycleRule[] =>
  prefixes.flatMap(({ prefix, expireAfterDays }) =>
    expireAfterDays === undefined
      ? []
      : [{ id: `Expire-${prefix.slice(0, -1)}`, prefix, expiration: Duration.days(expireAfterDays) }],
  );

/** A private bucket for images. */
export class ImageBucket extends PrivateBucket {
  constructor(scope: Construct, id: string, props: ImageBucketProps) {
    const { removalPolicy, prefixes, versioned } = props;
    super(scope, id, {
      removalPolicy,
      versioned,
      lifecycleRules: [...expirationRules(prefixes), ...(versioned ? previousVersionRules : [])],
    });
    this.sendEvents(prefixes);
    acknowledge(
      this,
      'S1',
      'Only the roles of this service reach the bucket, and URLs that they signed; the access log of the API has every request that leads to one. Server access logs would double the number of objects that are kept.',
    );
    for (const { prefix } of prefixes) {
      acknowledge(
        scope,
        `IAM5[Resource::<${logicalIdOf(this)}.Arn>/${prefix}*]`,
        'Images are named by their hashes, which are not known beforehand: a key prefix is as narrow as this can be.',
      );
    }
  }

  /** Lets pages of these origins send such requests with presigned URLs. Browsers block all others. */
  allowPages(methods: readonly HttpMethods[], origins: readonly string[]): void {
    if (origins.length === 0) return;
    this.addCorsRule({
      allowedMethods: [...methods],
      allowedOrigins: [...origins],
      // The signature decides which headers a request must have.
      allowedHeaders: ['*'],
      exposedHeaders: ['ETag'],
      maxAge: preflightSeconds,
    });
  }

  /**
   * Sets the bucket's own property. `addEventNotification` would deploy a function for it, with a role that
   * may write to any log, and a log of its own that outlives the stack.
   */
  private sendEvents(prefixes: readonly ImagePrefix[]): void {
    const queues = prefixes.flatMap(({ prefix, objectCreatedQueue: queue }) =>
      queue === undefined ? [] : [{ prefix, queue }],
    );
    if (queues.length === 0) return;
    const bucket = requireType(this.node.defaultChild, CfnBucket);
    bucket.notificationConfiguration = {
      queueConfigurations: queues.map(({ prefix, queue }) => ({
        event: EventType.OBJECT_CREATED,
        queue: queue.queueArn,
        filter: { s3Key: { rules: [{ name: 'prefix', value: prefix }] } },
      })),
    };
    // S3 sends a test message when this is set: the queue's policy must allow it by then.
    bucket.node.addDependency(...queues.map(({ queue }) => queue));
  }
}
