import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';

export interface AlertsProps {
  /** Each is asked once by SNS whether it wants them. */
  readonly emails: readonly string[];
}

/**
 * Tells people that something is wrong. Not encrypted with a KMS key: alarms cannot use the one that AWS manages (CloudWatch
 * User Guide, "Notifying users on alarm changes"), and a key of one's own costs a dollar a month. Alarms tell of no image
 * and no person; a notice of SES that a mail bounced names its recipient.
 */
export class Alerts extends Topic {
  constructor(scope: Construct, id: string, { emails }: AlertsProps) {
    super(scope, id, { displayName: 'Thumbnail Generator alerts', enforceSSL: true });
    for (const email of emails) this.addSubscription(new EmailSubscription(email));
    const { account } = Stack.of(this);
    // A policy of one's own replaces the one by which alarms could publish.
    this.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topicArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': account },
          ArnLike: {
            'aws:SourceArn': Stack.of(this).formatArn({
              service: 'cloudwatch',
              resource: 'alarm',
              resourceName: '*',
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          },
        },
      }),
    );
  }
}
