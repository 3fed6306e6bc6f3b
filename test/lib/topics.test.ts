import type { Template } from 'aws-cdk-lib/assertions';
import { resourcesOf, templateWith } from './stacks.ts';

let plain: Template;
let withMail: Template;

beforeAll(() => {
  plain = templateWith();
  withMail = templateWith({
    email: { from: 'images@example.com', allowedRecipients: ['example.com'] },
    alerts: { emails: ['day@example.com', 'night@example.com'] },
  });
});

/** A topic of this name, with the statements of its policy and its subscriptions. */
const topicOf = (of: Template, name: string) => {
  const [topic, ...others] = resourcesOf(of, 'AWS::SNS::Topic').filter((each) => each.name.startsWith(name));
  expect(others).toEqual([]);
  const [policy] = resourcesOf(of, 'AWS::SNS::TopicPolicy').filter(
    ({ Topics }) => Topics[0].Ref === topic?.name,
  );
  return {
    topicName: topic?.TopicName,
    displayName: topic?.DisplayName,
    kmsKey: topic?.KmsMasterKeyId,
    reference: { Ref: topic?.name },
    statements: policy?.PolicyDocument.Statement,
    subscriptions: resourcesOf(of, 'AWS::SNS::Subscription').filter(
      ({ TopicArn }) => TopicArn.Ref === topic?.name,
    ),
  };
};

const refusesPlainHttp = {
  Sid: expect.any(String),
  Effect: 'Deny',
  Principal: '*',
  Action: 'sns:Publish',
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
};

const account = { Ref: 'AWS::AccountId' };

describe('the topic of image events', () => {
  test('refuses requests without TLS, and grants nothing to other accounts', () => {
    const { statements, reference, topicName, displayName } = topicOf(withMail, 'ImageEvents');
    expect(statements).toEqual([{ ...refusesPlainHttp, Resource: reference }]);
    expect({ topicName, displayName }).toEqual({ displayName: 'What happens to images' });
  });

  test('has no subscription without mail', () => {
    expect(topicOf(plain, 'ImageEvents').subscriptions).toEqual([]);
  });

  test.each(['Ingest', 'Resize'])('is the only topic to which %s may publish', (name) => {
    const { reference } = topicOf(plain, 'ImageEvents');
    const [role] = resourcesOf(plain, 'AWS::IAM::Policy').filter((policy) =>
      policy.name.startsWith(`${name}FunctionRole`),
    );
    const publishing = role?.PolicyDocument.Statement.filter(({ Action }: { readonly Action: unknown }) =>
      [Action].flat().some((action) => String(action).startsWith('sns:')),
    );
    expect(publishing).toEqual([{ Effect: 'Allow', Action: 'sns:Publish', Resource: reference }]);
    const [deployed] = resourcesOf(plain, 'AWS::Lambda::Function').filter((each) =>
      each.name.startsWith(`${name}Function`),
    );
    expect(deployed?.Environment.Variables).toMatchObject({
      IMAGE_EVENTS_TOPIC_ARN: reference,
      STACK_NAME: 'ThumbnailGenerator',
    });
  });
});

describe('the alerts topic', () => {
  const alarmsPublish = {
    Sid: expect.any(String),
    Effect: 'Allow',
    Principal: { Service: 'cloudwatch.amazonaws.com' },
    Action: 'sns:Publish',
    Condition: {
      StringEquals: { 'aws:SourceAccount': account },
      ArnLike: {
        'aws:SourceArn': {
          'Fn::Join': [
            '',
            [
              'arn:',
              { Ref: 'AWS::Partition' },
              ':cloudwatch:',
              { Ref: 'AWS::Region' },
              ':',
              account,
              ':alarm:*',
            ],
          ],
        },
      },
    },
  };

  test('accepts alarms of this account over TLS, and nothing else', () => {
    const { statements, reference } = topicOf(plain, 'Alerts');
    expect(statements).toEqual([
      { ...refusesPlainHttp, Resource: reference },
      { ...alarmsPublish, Resource: reference },
    ]);
  });

  test('also accepts notices of SES about the service’s own mails while mail is on', () => {
    const { statements, reference } = topicOf(withMail, 'Alerts');
    const [configurationSet] = resourcesOf(withMail, 'AWS::SES::ConfigurationSet');
    expect(statements).toHaveLength(3);
    expect(statements[2]).toEqual({
      Sid: expect.any(String),
      Effect: 'Allow',
      Principal: { Service: 'ses.amazonaws.com' },
      Action: 'sns:Publish',
      Resource: reference,
      Condition: {
        StringEquals: {
          'AWS:SourceAccount': account,
          'AWS:SourceArn': {
            'Fn::Join': [
              '',
              [
                'arn:',
                { Ref: 'AWS::Partition' },
                ':ses:',
                { Ref: 'AWS::Region' },
                ':',
                account,
                ':configuration-set/',
                { Ref: configurationSet?.name },
              ],
            ],
          },
        },
      },
    });
  });

  test('has a subscription for each configured address, and none by default', () => {
    const subscribers = topicOf(withMail, 'Alerts').subscriptions.map(({ Protocol, Endpoint }) => [
      Protocol,
      Endpoint,
    ]);
    expect(subscribers).toEqual([
      ['email', 'day@example.com'],
      ['email', 'night@example.com'],
    ]);
    expect(topicOf(plain, 'Alerts').subscriptions).toEqual([]);
  });

  test('is not encrypted with a key that alarms cannot use', () => {
    expect(topicOf(withMail, 'Alerts').kmsKey).toBeUndefined();
  });
});
