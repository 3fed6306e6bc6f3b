import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { admissionTable } from '../../lambdas/aws/admission-table.ts';
import { acknowledge } from '../constructs/acknowledge.ts';

/** How much was uploaded today, and which callers wait. Nothing in it matters for longer than a day. */
export class AdmissionTable extends Table {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      partitionKey: { name: admissionTable.partitionKey, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      timeToLiveAttribute: admissionTable.timeToLive,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(
      this,
      'DDB3',
      'The table counts the uploads of today and the callers that wait for a few seconds: a restored past state would count wrongly.',
    );
  }
}
