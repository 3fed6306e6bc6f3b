import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { mailRequestsTable } from '../../lambdas/notify/mail-request.ts';

/**
 * One item for each mail that somebody waits for. It holds addresses: none of them stays longer than it is needed, so the
 * table goes with the stack, and no past state of it can be restored.
 */
export class MailRequestsTable extends Table {
  constructor(scope: Construct, id: string) {
    const text = (name: string) => ({ name, type: AttributeType.STRING });
    super(scope, id, {
      partitionKey: text(mailRequestsTable.partitionKey),
      sortKey: text(mailRequestsTable.sortKey),
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      timeToLiveAttribute: mailRequestsTable.timeToLive,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}
