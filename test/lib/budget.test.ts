import type { Template } from 'aws-cdk-lib/assertions';
import { resourcesOf, templateWith } from './stacks.ts';

const budget = { monthlyUsd: 120, emails: ['boss@example.com'] };

test('there is no budget by default, and no one else may publish alerts', () => {
  const template = templateWith();
  expect(resourcesOf(template, 'AWS::Budgets::Budget')).toEqual([]);
  expect(JSON.stringify(template.toJSON())).not.toContain('budgets.amazonaws.com');
});

describe('a budget', () => {
  let template: Template;
  beforeAll(() => {
    template = templateWith({ stackName: 'Photos', budget });
  });

  test('counts what has the tag of the service, in a month', () => {
    const [{ Budget } = {}] = resourcesOf(template, 'AWS::Budgets::Budget');
    expect(Budget).toEqual({
      BudgetType: 'COST',
      TimeUnit: 'MONTHLY',
      BudgetLimit: { Amount: 120, Unit: 'USD' },
      CostFilters: { TagKeyValue: ['user:Service$Photos'] },
    });
  });

  test('alerts at 80 % of the forecast and at 100 % of the costs, by the topic and by mail', () => {
    const [topic] = Object.keys(template.findResources('AWS::SNS::Topic')).filter((id) => /^Alerts/.test(id));
    const [{ NotificationsWithSubscribers = [] } = {}] = resourcesOf(template, 'AWS::Budgets::Budget');
    const Subscribers = [
      { SubscriptionType: 'SNS', Address: { Ref: topic } },
      { SubscriptionType: 'EMAIL', Address: 'boss@example.com' },
    ];
    const notification = (NotificationType: string, Threshold: number) => ({
      Notification: {
        NotificationType,
        Threshold,
        ThresholdType: 'PERCENTAGE',
        ComparisonOperator: 'GREATER_THAN',
      },
      Subscribers,
    });
    expect(NotificationsWithSubscribers).toEqual([
      notification('FORECASTED', 80),
      notification('ACTUAL', 100),
    ]);
  });

  test('may publish to the alerts topic before it exists, for this account only', () => {
    const account = { Ref: 'AWS::AccountId' };
    const policies = resourcesOf(template, 'AWS::SNS::TopicPolicy').filter(({ name }) =>
      /^Alerts/.test(name),
    );
    const statements = policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
    expect(statements).toContainEqual({
      Sid: expect.any(String),
      Effect: 'Allow',
      Principal: { Service: 'budgets.amazonaws.com' },
      Action: 'sns:Publish',
      Resource: expect.anything(),
      Condition: {
        StringEquals: { 'aws:SourceAccount': account },
        ArnLike: {
          'aws:SourceArn': {
            'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':budgets::', account, ':*']],
          },
        },
      },
    });
    const [found] = Object.values(template.findResources('AWS::Budgets::Budget'));
    expect(found?.['DependsOn']).toEqual(expect.arrayContaining(policies.map(({ name }) => name)));
  });

  test('counts the service of another tag if the tags name one', () => {
    const [{ Budget } = {}] = resourcesOf(
      templateWith({ budget, tags: { Service: 'media' } }),
      'AWS::Budgets::Budget',
    );
    expect(Budget.CostFilters).toEqual({ TagKeyValue: ['user:Service$media'] });
  });
});
