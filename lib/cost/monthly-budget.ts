import { Stack } from 'aws-cdk-lib';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { type BudgetSettings, serviceTag } from './settings.ts';

export interface MonthlyBudgetProps extends BudgetSettings {
  /** The value of the service's tag, which must be active as a cost allocation tag. */
  readonly service: string;
  /** Receives a message besides the addresses. */
  readonly alerts: Topic;
}

/**
 * Alerts before a month costs more than planned. It has no name of its own: names are unique in an account,
 * in all regions together (AWS Budgets API Reference, "Budget"), so CloudFormation makes one up.
 */
export class MonthlyBudget extends Construct {
  constructor(scope: Construct, id: string, { monthlyUsd, emails, service, alerts }: MonthlyBudgetProps) {
    super(scope, id);
    const subscribers = [
      { subscriptionType: 'SNS', address: alerts.topicArn },
      ...emails.map((address) => ({ subscriptionType: 'EMAIL', address })),
    ];
    const alertAt = (notificationType: 'ACTUAL' | 'FORECASTED', threshold: number) => ({
      notification: {
        notificationType,
        comparisonOperator: 'GREATER_THAN',
        threshold,
        thresholdType: 'PERCENTAGE',
      },
      subscribers,
    });
    const budget = new CfnBudget(this, 'Resource', {
      budget: {
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: monthlyUsd, unit: 'USD' },
        // Without "user:" a budget counts nothing, and says so nowhere (terraform-provider-aws#40987).
        costFilters: { TagKeyValue: [`user:${serviceTag}$${service}`] },
      },
      notificationsWithSubscribers: [alertAt('FORECASTED', 80), alertAt('ACTUAL', 100)],
    });

    const { account } = Stack.of(this);
    // Cost Management User Guide, "Creating an Amazon SNS topic for budget notifications".
    alerts.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('budgets.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [alerts.topicArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': account },
          ArnLike: {
            'aws:SourceArn': Stack.of(this).formatArn({ service: 'budgets', region: '', resource: '*' }),
          },
        },
      }),
    );
    budget.node.addDependency(alerts);
  }
}
