import type { Template } from 'aws-cdk-lib/assertions';
import { imageEventSchema } from '../../lambdas/image/event.ts';
import { mailRequestsTable } from '../../lambdas/notify/mail-request.ts';
import { resourcesOf, templateWith } from './stacks.ts';

const from = 'images@example.com';
const allowedRecipients = ['example.com', 'me@example.org', from];

let plain: Template;
let withMail: Template;

beforeAll(() => {
  plain = templateWith();
  withMail = templateWith({ email: { from, allowedRecipients } });
});

/** The only resource of a type whose logical id is this name and a hash. */
const one = (of: Template, type: string, name: string) => {
  const [found, ...others] = resourcesOf(of, type).filter((each) =>
    new RegExp(`^${name}[0-9A-F]{8}$`).test(each.name),
  );
  if (found === undefined || others.length > 0) throw new Error(`There is not one ${type} called ${name}`);
  return found;
};

const arnOf = ({ name }: { readonly name: string }) => ({ 'Fn::GetAtt': [name, 'Arn'] });

const sesArn = (...end: readonly unknown[]) => ({
  'Fn::Join': [
    '',
    [
      'arn:',
      { Ref: 'AWS::Partition' },
      ':ses:',
      { Ref: 'AWS::Region' },
      ':',
      { Ref: 'AWS::AccountId' },
      ...end,
    ],
  ],
});

test('without the setting email there is no resource for mail', () => {
  const { Resources } = plain.toJSON();
  const ids = Object.keys(Resources);
  expect(ids.filter((id) => /Mail|Notify/.test(id))).toEqual([]);
  expect(Object.values(Resources)).not.toContainEqual(
    expect.objectContaining({ Type: expect.stringContaining('AWS::SES::') }),
  );
  expect(one(plain, 'AWS::Lambda::Function', 'IngestFunction').Environment.Variables).not.toHaveProperty(
    'MAIL_REQUESTS_TABLE',
  );
});

describe('the mail requests', () => {
  test('have the keys that the code uses, encryption, on-demand billing and an expiry', () => {
    const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' });
    const { partitionKey, sortKey, timeToLive } = mailRequestsTable;
    expect(one(withMail, 'AWS::DynamoDB::Table', 'MailRequests')).toMatchObject({
      AttributeDefinitions: [text(partitionKey), text(sortKey)],
      KeySchema: [
        { AttributeName: partitionKey, KeyType: 'HASH' },
        { AttributeName: sortKey, KeyType: 'RANGE' },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      SSESpecification: { SSEEnabled: true },
      TimeToLiveSpecification: { AttributeName: timeToLive, Enabled: true },
    });
  });

  test('leave no address behind: they are deleted with the stack, without backups', () => {
    const table = one(withMail, 'AWS::DynamoDB::Table', 'MailRequests');
    expect(table).not.toHaveProperty('PointInTimeRecoverySpecification');
    expect(withMail.toJSON()['Resources'][table.name].DeletionPolicy).toBe('Delete');
  });

  test('are stored by ingest, for allowed recipients', () => {
    const table = one(withMail, 'AWS::DynamoDB::Table', 'MailRequests');
    const { Variables } = one(withMail, 'AWS::Lambda::Function', 'IngestFunction').Environment;
    expect(Variables.MAIL_REQUESTS_TABLE).toEqual({ Ref: table.name });
    expect(JSON.parse(Variables.ALLOWED_RECIPIENTS)).toEqual(allowedRecipients);
    const { Statement } = one(withMail, 'AWS::IAM::Policy', 'IngestFunctionRoleDefaultPolicy').PolicyDocument;
    expect(Statement).toContainEqual({
      Effect: 'Allow',
      Action: ['dynamodb:PutItem', 'dynamodb:UpdateItem'],
      Resource: arnOf(table),
    });
  });
});

describe('the subscription of notify', () => {
  const subscription = () => {
    const [only, ...others] = resourcesOf(withMail, 'AWS::SNS::Subscription');
    expect(others).toEqual([]);
    return only;
  };

  test('receives raw messages, and only of events that can cause a mail', () => {
    const { FilterPolicy, Protocol, Endpoint, RawMessageDelivery } = subscription() ?? {};
    expect({ Protocol, Endpoint, RawMessageDelivery }).toEqual({
      Protocol: 'sqs',
      Endpoint: arnOf(one(withMail, 'AWS::SQS::Queue', 'NotifyQueue')),
      RawMessageDelivery: true,
    });
    const others = imageEventSchema.options
      .map(({ shape }) => shape.type.value)
      .filter((type) => !FilterPolicy.type.includes(type));
    expect(others).toEqual(['image.received', 'link.served', 'image.deleted']);
  });

  test('has a dead-letter queue for failed deliveries, and for messages that failed five times', () => {
    const deadLetters = arnOf(one(withMail, 'AWS::SQS::Queue', 'NotifyQueueDeadLetters'));
    expect(subscription()?.RedrivePolicy).toEqual({
      deadLetterTargetArn: deadLetters,
    });
    expect(one(withMail, 'AWS::SQS::Queue', 'NotifyQueue').RedrivePolicy).toEqual({
      deadLetterTargetArn: deadLetters,
      maxReceiveCount: 5,
    });
  });

  test('accepts messages over TLS only, from the service’s topic only', () => {
    const topic = one(withMail, 'AWS::SNS::Topic', 'ImageEvents');
    const policies = resourcesOf(withMail, 'AWS::SQS::QueuePolicy').filter(({ name }) =>
      name.startsWith('NotifyQueue'),
    );
    expect(policies).toHaveLength(2);
    for (const { PolicyDocument, Queues } of policies) {
      const Resource = { 'Fn::GetAtt': [Queues[0].Ref, 'Arn'] };
      expect(PolicyDocument.Statement).toEqual([
        {
          Effect: 'Deny',
          Principal: { AWS: '*' },
          Action: 'sqs:*',
          Resource,
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
        {
          Effect: 'Allow',
          Principal: { Service: 'sns.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource,
          Condition: { ArnEquals: { 'aws:SourceArn': { Ref: topic.name } } },
        },
      ]);
    }
  });

  test('invokes the function with ten messages, a sixfold visibility timeout and partial batch responses', () => {
    const notify = one(withMail, 'AWS::Lambda::Function', 'NotifyFunction');
    const queue = one(withMail, 'AWS::SQS::Queue', 'NotifyQueue');
    expect(queue.VisibilityTimeout).toBe(6 * notify.Timeout);
    withMail.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: arnOf(queue),
      FunctionName: { Ref: notify.name },
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 2 },
    });
  });
});

describe('the notify function', () => {
  test('has the names of its resources and the URL of the API in its environment', () => {
    const { Variables } = one(withMail, 'AWS::Lambda::Function', 'NotifyFunction').Environment;
    const api = one(withMail, 'AWS::ApiGatewayV2::Api', 'UploadApiHttpApi');
    expect(Variables).toEqual({
      CATALOG_TABLE: { Ref: one(withMail, 'AWS::DynamoDB::Table', 'Catalog').name },
      MAIL_REQUESTS_TABLE: { Ref: one(withMail, 'AWS::DynamoDB::Table', 'MailRequests').name },
      THUMBNAIL_BUCKET: { Ref: one(withMail, 'AWS::S3::Bucket', 'ThumbnailBucket').name },
      VARIANTS: expect.stringContaining('"thumbnail"'),
      API_URL: {
        'Fn::Join': [
          '',
          [
            'https://',
            { Ref: api.name },
            '.execute-api.',
            { Ref: 'AWS::Region' },
            '.',
            { Ref: 'AWS::URLSuffix' },
            '/dev',
          ],
        ],
      },
      MAIL_FROM: from,
      MAIL_CONFIGURATION_SET: { Ref: one(withMail, 'AWS::SES::ConfigurationSet', 'NotifySending').name },
      STACK_NAME: 'ThumbnailGenerator',
    });
  });

  test('may send from the configured address only, in the sandbox of SES to allowed recipients only', () => {
    const { Statement } = one(withMail, 'AWS::IAM::Policy', 'NotifyFunctionRoleDefaultPolicy').PolicyDocument;
    const sending = Statement.filter(({ Action }: { readonly Action: unknown }) =>
      JSON.stringify(Action).includes('ses:'),
    );
    expect(sending).toEqual([
      {
        Effect: 'Allow',
        Action: 'ses:SendEmail',
        Resource: expect.arrayContaining([
          sesArn(':configuration-set/', {
            Ref: one(withMail, 'AWS::SES::ConfigurationSet', 'NotifySending').name,
          }),
          sesArn(`:identity/${from}`),
          sesArn(':identity/example.com'),
          sesArn(':identity/me@example.org'),
        ]),
        Condition: { StringEquals: { 'ses:FromAddress': from } },
      },
    ]);
    expect(sending[0].Resource).toHaveLength(4);
  });

  test('requires TLS for mails, and reports undelivered ones once the topic’s policy allows it', () => {
    const alerts = one(withMail, 'AWS::SNS::Topic', 'Alerts');
    withMail.hasResourceProperties('AWS::SES::EmailIdentity', { EmailIdentity: from });
    withMail.hasResourceProperties('AWS::SES::ConfigurationSet', {
      DeliveryOptions: { TlsPolicy: 'REQUIRE' },
      ReputationOptions: { ReputationMetricsEnabled: true },
    });
    withMail.hasResource('AWS::SES::ConfigurationSetEventDestination', {
      Properties: {
        EventDestination: {
          Enabled: true,
          MatchingEventTypes: ['bounce', 'complaint', 'reject'],
          SnsDestination: { TopicARN: { Ref: alerts.name } },
        },
      },
      DependsOn: [one(withMail, 'AWS::SNS::TopicPolicy', 'AlertsPolicy').name],
    });
  });
});
