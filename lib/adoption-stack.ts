import { RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { BareBucket } from './constructs/bare-bucket.ts';
import { CatalogTable } from './image/catalog-table.ts';
import { OwnersTable } from './owners/owners-table.ts';
import type { Settings } from './settings.ts';

export interface AdoptionStackProps extends StackProps {
  readonly settings: Settings;
}

/** The part of the service's stack that outlives it, for `cdk import`. A deployment adds all else. */
export class AdoptionStack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...stackProps }: AdoptionStackProps) {
    super(scope, id, stackProps);
    new BareBucket(this, 'RawBucket');
    new BareBucket(this, 'ThumbnailBucket');
    // Complete, because CloudFormation would create their indexes and their expiry a second time.
    new CatalogTable(this, 'Catalog', { removalPolicy: RemovalPolicy.RETAIN });
    if (settings.auth !== 'none') new OwnersTable(this, 'Owners', { removalPolicy: RemovalPolicy.RETAIN });
  }
}
