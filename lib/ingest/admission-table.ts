import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { admissionTable } from '../../lambdas/aws/admission-table.ts';

/**
 * What was uploaded today, and which callers wait. All of it is over after a day, so the table goes with the
 * stack, and no past state of it can be restored.
 */
export class AdmissionTable extends Table {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      partitionKey: { name: admissionTable.partitionKey, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      timeToLiveAttribute: admissionTable.timeToLive,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}
