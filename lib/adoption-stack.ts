import { RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { BareBucket } from './constructs/bare-bucket.ts';
import { CatalogTable } from './image/catalog-table.ts';

/** The part of the service's stack that outlives it, for `cdk import`. A deployment adds all else. */
export class AdoptionStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    new BareBucket(this, 'RawBucket');
    new BareBucket(this, 'ThumbnailBucket');
    // Complete, because CloudFormation would create its index and its expiry a second time.
    new CatalogTable(this, 'Catalog', { removalPolicy: RemovalPolicy.RETAIN });
  }
}
