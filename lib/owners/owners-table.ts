import type { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { ownersTable } from '../../lambdas/owners/owners-table.ts';

export interface OwnersTableProps {
  readonly removalPolicy: RemovalPolicy;
}

/** One item for each image and owner. Owners appear as hashes. */
export class OwnersTable extends Table {
  constructor(scope: Construct, id: string, { removalPolicy }: OwnersTableProps) {
    const text = (name: string) => ({ name, type: AttributeType.STRING });
    super(scope, id, {
      partitionKey: text(ownersTable.partitionKey),
      sortKey: text(ownersTable.sortKey),
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: ownersTable.timeToLive,
      removalPolicy,
    });
    this.addGlobalSecondaryIndex({
      indexName: ownersTable.newestIndex.name,
      partitionKey: text(ownersTable.newestIndex.partitionKey),
      sortKey: text(ownersTable.newestIndex.sortKey),
      projectionType: ProjectionType.ALL,
    });
  }
}
