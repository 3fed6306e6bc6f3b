import type { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { catalogTable } from '../../lambdas/aws/catalog-table.ts';

export interface CatalogTableProps {
  readonly removalPolicy: RemovalPolicy;
}

/** One item for each image: its state, and all that is known about it. */
export class CatalogTable extends Table {
  constructor(scope: Construct, id: string, { removalPolicy }: CatalogTableProps) {
    const text = (name: string) => ({ name, type: AttributeType.STRING });
    super(scope, id, {
      partitionKey: text(catalogTable.partitionKey),
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: catalogTable.timeToLive,
      removalPolicy,
    });
    this.addGlobalSecondaryIndex({
      indexName: catalogTable.waitingIndex.name,
      partitionKey: text(catalogTable.waitingIndex.partitionKey),
      sortKey: text(catalogTable.waitingIndex.sortKey),
      projectionType: ProjectionType.ALL,
    });
  }
}
