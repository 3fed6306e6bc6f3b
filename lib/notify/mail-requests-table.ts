import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { mailRequestsTable } from '../../lambdas/notify/mail-request.ts';
import { acknowledge } from '../constructs/acknowledge.ts';

/** One item for each requested mail. It holds addresses: no backups, and deleted with the stack. */
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
    acknowledge(
      this,
      'DDB3',
      'The requests hold addresses, which must not stay for the 35 days of point-in-time recovery after the mails are sent. A lost request is a lost mail; the images are in the catalog.',
    );
  }
}
