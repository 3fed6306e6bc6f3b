import { Stack } from 'aws-cdk-lib';
import { CfnNamedQuery, CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { lakePrefixes } from '../../lambdas/lake/table.ts';
import type { EventsTable } from './events-table.ts';
import { namedQueries } from './named-queries.ts';

export interface QueriesProps {
  readonly bucket: IBucket;
  readonly events: EventsTable;
  readonly ingestMemoryMiB: number;
  readonly resizeMemoryMiB: number;
}

/** Athena cancels a query that reads more: about five cents (Athena pricing, 5.00 a TB). */
const maxScannedBytes = 10_000_000_000;

/** Athena for the events: a work group with a limit, and named queries. */
export class Queries extends Construct {
  readonly workGroup: CfnWorkGroup;

  constructor(scope: Construct, id: string, { bucket, events, ...memory }: QueriesProps) {
    super(scope, id);
    this.workGroup = new CfnWorkGroup(this, 'WorkGroup', {
      // A name is required, and the stack's is unique.
      name: Stack.of(this).stackName,
      description: 'Queries about what happened to images',
      // Deletes the history of queries as well.
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: maxScannedBytes,
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: bucket.s3UrlForObject(lakePrefixes.results),
          encryptionConfiguration: { encryptionOption: 'SSE_S3' },
          expectedBucketOwner: Stack.of(this).account,
        },
      },
    });
    for (const { name, description, sql } of namedQueries(memory)) {
      const query = new CfnNamedQuery(this, name, {
        name,
        description,
        queryString: sql,
        database: events.database.databaseName,
        workGroup: this.workGroup.name,
      });
      query.addResourceDependency(this.workGroup);
    }
  }
}
