import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';

export interface AlertsProps {
  /** SNS asks each address once for its consent. */
  readonly emails: readonly string[];
}

/**
 * Alerts operators. Not encrypted with a KMS key: alarms cannot use the one that AWS manages (CloudWatch User
 * Guide, "Notifying users on alarm changes"), and a customer key costs a dollar a month. Alarms contain no
 * image and no personal data; a notice of SES about a bounced mail contains its recipient.
 */
export class Alerts extends Topic {
  constructor(scope: Construct, id: string, { emails }: AlertsProps) {
    super(scope, id, { displayName: 'Thumbnail Generator alerts', enforceSSL: true });
    for (const email of emails) this.addSubscription(new EmailSubscription(email));
    const { account } = Stack.of(this);
    // The policy of `enforceSSL` replaces the default one, by which alarms could publish.
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
