import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { columns, eventTypes } from '../../lambdas/lake/table.ts';
import { acknowledge } from '../../lib/constructs/acknowledge.ts';
import { DataLakeStack } from '../../lib/lake/data-lake-stack.ts';
import { namedQueries } from '../../lib/lake/named-queries.ts';
import { readSettings } from '../../lib/settings.ts';
import { ThumbnailGeneratorStack } from '../../lib/thumbnail-generator-stack.ts';
import { warningIds } from '../../lib/warnings/settings.ts';
import { alarmsOf } from './deployed-alarms.ts';
import { resourcesOf, templateWith } from './stacks.ts';

let mockIsAcknowledging = true;
jest.mock('../../lib/constructs/acknowledge.ts', () => {
  const actual = jest.requireActual('../../lib/constructs/acknowledge.ts');
  return {
    ...actual,
    // Findings of the other stack stay acknowledged.
    acknowledge: jest.fn((where, ...finding) => {
      if (mockIsAcknowledging || !where.node.path.startsWith('ThumbnailGeneratorDataLake/'))
        actual.acknowledge(where, ...finding);
    }),
  };
});

/** The app of bin/app.ts with the lake; settings override cdk.json, and functions are not bundled. */
const appWith = (given: Readonly<Record<string, unknown>> = {}) => {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8'));
  const outdir = mkdtempSync(join(tmpdir(), 'thumbnail-generator-synth-'));
  const quiet = { acknowledgedWarnings: [...warningIds], 'aws:cdk:bundling-stacks': [] };
  const app = new App({ outdir, context: { ...context, ...quiet, ...given } });
  const settings = readSettings(app.node.getAllContext());
  const core = new ThumbnailGeneratorStack(app, settings.stackName, { settings });
  const lake = new DataLakeStack(app, `${settings.stackName}DataLake`, {
    settings,
    imageEvents: core.imageEvents,
    alerts: core.alerts,
  });
  return { app, outdir, core, lake };
};

let core: Template;
let template: Template;

beforeAll(() => {
  const stacks = appWith();
  core = Template.fromStack(stacks.core);
  template = Template.fromStack(stacks.lake);
});

const ref = (prefix: string) => {
  const found = Object.keys(template.toJSON()['Resources']).filter((id) =>
    new RegExp(`^${prefix}[0-9A-F]{8}$`).test(id),
  );
  expect(found).toHaveLength(1);
  return found[0] ?? '';
};
const arnOf = (prefix: string) => ({ 'Fn::GetAtt': [ref(prefix), 'Arn'] });
const joined = (...parts: readonly unknown[]) => ({ 'Fn::Join': ['', parts] });
const ofCore = (output: string) => ({
  'Fn::ImportValue': expect.stringMatching(
    new RegExp(`^ThumbnailGenerator:ExportsOutputRef${output}[0-9A-F]+$`),
  ),
});

describe('the setting', () => {
  test('is off by default, and can be given as a value or as text', () => {
    expect(readSettings({}).dataLake).toBe(false);
    for (const dataLake of [true, 'true']) expect(readSettings({ dataLake }).dataLake).toBe(true);
    for (const dataLake of [false, 'false']) expect(readSettings({ dataLake }).dataLake).toBe(false);
    expect(() => readSettings({ dataLake: 'yes' })).toThrow(/dataLake = "yes": expected true or false/);
  });
});

describe('the core', () => {
  test('is the same with the lake as without', () => {
    const plain = (given: Template) =>
      JSON.stringify(given.toJSON()).replaceAll(/[0-9a-f]{64}/g, 'ASSET_HASH');
    expect(plain(core)).toBe(plain(templateWith()));
  });
});

describe('the bucket', () => {
  test('is private, encrypted, owner-enforced, and refuses requests without TLS', () => {
    template.resourceCountIs('AWS::S3::Bucket', 1);
    template.hasResourceProperties('AWS::S3::Bucket', {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Action: 's3:*',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
        ]),
      }),
    });
  });

  test('expires events, errors and results each after their own time', () => {
    const [bucket] = resourcesOf(template, 'AWS::S3::Bucket');
    expect(bucket?.LifecycleConfiguration.Rules).toEqual([
      {
        Id: 'AbortAbandonedUploads',
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
        Status: 'Enabled',
      },
      { Id: 'ExpireEvents', Prefix: 'events/', ExpirationInDays: 400, Status: 'Enabled' },
      { Id: 'ExpireErrors', Prefix: 'errors/', ExpirationInDays: 30, Status: 'Enabled' },
      { Id: 'ExpireResults', Prefix: 'results/', ExpirationInDays: 7, Status: 'Enabled' },
    ]);
  });

  test('outlives the stack by default', () => {
    template.allResources('AWS::S3::Bucket', { DeletionPolicy: 'RetainExceptOnCreate' });
    template.resourceCountIs('Custom::S3AutoDeleteObjects', 0);
    const deleted = Template.fromStack(appWith({ imagesOnDestroy: 'delete' }).lake);
    deleted.allResources('AWS::S3::Bucket', { DeletionPolicy: 'Delete' });
    deleted.resourceCountIs('Custom::S3AutoDeleteObjects', 1);
  });
});

describe('the table', () => {
  const tableInput = () => resourcesOf(template, 'AWS::Glue::Table')[0]?.TableInput;

  test('has the columns of the code, each with its comment', () => {
    const { Columns } = tableInput().StorageDescriptor;
    expect(Columns.map(({ Name, Comment }: { Name: string; Comment: string }) => [Name, Comment])).toEqual(
      columns.map(({ name, comment }) => [name, comment]),
    );
    const types = new Map(Columns.map(({ Name, Type }: { Name: string; Type: string }) => [Name, Type]));
    for (const { name, type } of columns) if (typeof type === 'string') expect(types.get(name)).toBe(type);
    expect(types.get('thumbnails')).toBe(
      'array<struct<variant:string,content_type:string,width:bigint,height:bigint,bytes:bigint>>',
    );
  });

  test('is Parquet, with projected partitions for each type of event and each day that is kept', () => {
    const { Name, PartitionKeys, Parameters, StorageDescriptor } = tableInput();
    expect(Name).toBe('image_events');
    expect(PartitionKeys).toMatchObject([
      { Name: 'type', Type: 'string' },
      { Name: 'dt', Type: 'string' },
    ]);
    expect(StorageDescriptor.SerdeInfo.SerializationLibrary).toContain('parquet');
    expect(StorageDescriptor.Location).toEqual(joined('s3://', { Ref: ref('Bucket') }, '/events/'));
    expect(Parameters).toMatchObject({
      'projection.enabled': 'true',
      'projection.type.type': 'enum',
      'projection.type.values': eventTypes.join(','),
      'projection.dt.type': 'date',
      'projection.dt.format': 'yyyy-MM-dd',
      'projection.dt.range': 'NOW-400DAYS,NOW',
      'storage.location.template': joined(
        's3://',
        { Ref: ref('Bucket') },
        expect.stringMatching(/^\/events\/type=\$\{type\}\/dt=\$\{dt\}\/$/),
      ),
    });
    template.resourceCountIs('AWS::Glue::Crawler', 0);
  });
});

describe('the delivery stream', () => {
  const destination = () =>
    resourcesOf(template, 'AWS::KinesisFirehose::DeliveryStream')[0]?.ExtendedS3DestinationConfiguration;

  test('is encrypted, and accepts direct puts', () => {
    template.hasResourceProperties('AWS::KinesisFirehose::DeliveryStream', {
      DeliveryStreamType: 'DirectPut',
      DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' },
    });
  });

  test('writes each event to the partition that the transformer returns, and errors under their kind', () => {
    const { Prefix, ErrorOutputPrefix, DynamicPartitioningConfiguration } = destination();
    expect(Prefix).toBe('events/type=!{partitionKeyFromLambda:type}/dt=!{partitionKeyFromLambda:dt}/');
    expect(ErrorOutputPrefix).toBe('errors/!{firehose:error-output-type}/!{timestamp:yyyy-MM-dd}/');
    expect(DynamicPartitioningConfiguration).toEqual({ Enabled: true });
  });

  test('calls the transformer with batches whose response fits into that of a Lambda function', () => {
    expect(destination().ProcessingConfiguration).toEqual({
      Enabled: true,
      Processors: [
        {
          Type: 'Lambda',
          Parameters: [
            { ParameterName: 'RoleArn', ParameterValue: arnOf('DeliveryRole') },
            { ParameterName: 'LambdaArn', ParameterValue: arnOf('DeliveryTransformer') },
            { ParameterName: 'BufferSizeInMBs', ParameterValue: '1' },
          ],
        },
      ],
    });
  });

  test('converts JSON to Parquet by the latest schema, in objects as large as possible', () => {
    expect(destination()).toMatchObject({
      BufferingHints: { IntervalInSeconds: 900, SizeInMBs: 128 },
      DataFormatConversionConfiguration: {
        Enabled: true,
        InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
        OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
        SchemaConfiguration: {
          DatabaseName: { Ref: ref('EventsDatabase') },
          TableName: { Ref: ref('EventsTable') },
          VersionId: 'LATEST',
        },
      },
    });
  });

  test('logs its errors', () => {
    expect(destination().CloudWatchLoggingOptions).toMatchObject({
      Enabled: true,
      LogGroupName: { Ref: ref('DeliveryLogs') },
    });
  });

  test('is created after the policy of its role', () => {
    const [stream] = Object.values(template.findResources('AWS::KinesisFirehose::DeliveryStream'));
    expect(stream?.['DependsOn']).toEqual([ref('DeliveryPolicy')]);
  });
});

describe('the subscription', () => {
  test('delivers raw events to the stream, and failed deliveries to a dead-letter queue', () => {
    template.resourceCountIs('AWS::SNS::Subscription', 1);
    const [subscription] = resourcesOf(template, 'AWS::SNS::Subscription');
    expect(subscription).toMatchObject({
      TopicArn: ofCore('ImageEvents'),
      Protocol: 'firehose',
      Endpoint: arnOf('DeliveryStream'),
      RawMessageDelivery: true,
      RedrivePolicy: { deadLetterTargetArn: arnOf('DeliveryDeadLetters') },
      SubscriptionRoleArn: arnOf('DeliveryStreamTopicSubscriptionRole'),
    });
    expect(subscription).not.toHaveProperty('FilterPolicy');
  });

  test('has a dead-letter queue that is encrypted, keeps messages for 14 days, and accepts them from this topic over TLS only', () => {
    template.hasResourceProperties('AWS::SQS::Queue', {
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 14 * 86_400,
    });
    const [policy] = resourcesOf(template, 'AWS::SQS::QueuePolicy');
    expect(policy?.PolicyDocument.Statement).toEqual([
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      {
        Effect: 'Allow',
        Action: 'sqs:SendMessage',
        Principal: { Service: 'sns.amazonaws.com' },
        Resource: arnOf('DeliveryDeadLetters'),
        Condition: { ArnEquals: { 'aws:SourceArn': ofCore('ImageEvents') } },
      },
    ]);
  });
});

describe('the roles', () => {
  test('can be assumed by their own services only, and have no managed policy', () => {
    const trusted = Object.fromEntries(
      resourcesOf(template, 'AWS::IAM::Role').map(({ name, AssumeRolePolicyDocument, ManagedPolicyArns }) => {
        expect(ManagedPolicyArns).toBeUndefined();
        return [name.replace(/[0-9A-F]{8}$/, ''), AssumeRolePolicyDocument.Statement];
      }),
    );
    const trust = (service: string) => [
      { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: `${service}.amazonaws.com` } },
    ];
    expect(trusted).toEqual({
      DeliveryRole: trust('firehose'),
      DeliveryStreamTopicSubscriptionRole: trust('sns'),
      DeliveryTransformerRole: trust('lambda'),
    });
  });

  test('have these permissions and no others', () => {
    const ownAccount = { StringEquals: { 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } } };
    const glue = (...parts: readonly unknown[]) =>
      joined(
        'arn:',
        { Ref: 'AWS::Partition' },
        ':glue:',
        { Ref: 'AWS::Region' },
        ':',
        { Ref: 'AWS::AccountId' },
        ...parts,
      );
    const database = { Ref: ref('EventsDatabase') };
    const allowed = Object.fromEntries(
      resourcesOf(template, 'AWS::IAM::Policy').map(({ Roles, PolicyDocument }) => [
        Roles[0].Ref.replace(/[0-9A-F]{8}$/, ''),
        PolicyDocument.Statement,
      ]),
    );
    const allow = (Action: string | readonly string[], Resource: unknown, Condition?: object) => ({
      Effect: 'Allow',
      Action,
      Resource,
      ...(Condition && { Condition }),
    });
    expect(allowed).toEqual({
      DeliveryTransformerRole: [
        allow(['logs:CreateLogStream', 'logs:PutLogEvents'], arnOf('DeliveryTransformerLogs')),
        allow(['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], '*'),
      ],
      DeliveryRole: [
        allow(
          ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'],
          [joined(arnOf('Bucket'), '/errors/*'), joined(arnOf('Bucket'), '/events/*')],
          ownAccount,
        ),
        allow(
          ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'],
          arnOf('Bucket'),
          ownAccount,
        ),
        allow(
          ['glue:GetTable', 'glue:GetTableVersion', 'glue:GetTableVersions'],
          [
            glue(':catalog'),
            glue(':database/', database),
            glue(':table/', database, '/', { Ref: ref('EventsTable') }),
          ],
        ),
        allow(
          ['lambda:GetFunctionConfiguration', 'lambda:InvokeFunction'],
          [arnOf('DeliveryTransformer'), joined(arnOf('DeliveryTransformer'), ':$LATEST')],
        ),
        allow('logs:PutLogEvents', arnOf('DeliveryLogs')),
      ],
      // SNS Developer Guide, "Prerequisites for subscribing Firehose delivery streams to Amazon SNS topics".
      DeliveryStreamTopicSubscriptionRole: [
        allow(
          [
            'firehose:DescribeDeliveryStream',
            'firehose:ListDeliveryStreams',
            'firehose:ListTagsForDeliveryStream',
            'firehose:PutRecord',
            'firehose:PutRecordBatch',
          ],
          arnOf('DeliveryStream'),
        ),
      ],
    });
  });
});

describe('Athena', () => {
  test('enforces the limits of the workgroup: bytes per query, location and encryption of results', () => {
    template.hasResourceProperties('AWS::Athena::WorkGroup', {
      Name: 'ThumbnailGeneratorDataLake',
      RecursiveDeleteOption: true,
      WorkGroupConfiguration: {
        EnforceWorkGroupConfiguration: true,
        PublishCloudWatchMetricsEnabled: true,
        BytesScannedCutoffPerQuery: 10_000_000_000,
        ResultConfiguration: {
          OutputLocation: joined('s3://', { Ref: ref('Bucket') }, '/results/'),
          EncryptionConfiguration: { EncryptionOption: 'SSE_S3' },
          ExpectedBucketOwner: { Ref: 'AWS::AccountId' },
        },
      },
    });
  });

  test('has every named query, with the memory of the functions', () => {
    const lake = Template.fromStack(appWith({ decodeMemoryMiB: 3000 }).lake);
    const queries = namedQueries({ ingestMemoryMiB: 1024, resizeMemoryMiB: 3450 });
    expect(queries.map(({ name }) => name)).toEqual([
      'bytes-by-type-and-variant',
      'cost',
      'duplicates-saved',
      'failures-by-code',
      'most-served-links',
      'upload-to-ready',
      'uploads-per-day',
    ]);
    expect(
      resourcesOf(lake, 'AWS::Athena::NamedQuery').map(
        ({ Name, Description, QueryString, Database, WorkGroup }) => ({
          Name,
          Description,
          QueryString,
          Database,
          WorkGroup,
        }),
      ),
    ).toEqual(
      queries.map(({ name, description, sql }) => ({
        Name: name,
        Description: description,
        QueryString: sql,
        Database: { Ref: ref('EventsDatabase') },
        WorkGroup: 'ThumbnailGeneratorDataLake',
      })),
    );
  });
});

describe('each alarm', () => {
  test('notifies the alerts topic when it goes off and when it is over, and ignores missing data', () => {
    const alarms = alarmsOf(template);
    expect(alarms.map(({ name }) => name).sort()).toEqual([
      'lake-conversion-failed',
      'lake-dead-letters',
      'lake-events-refused',
      'lake-freshness',
      'lake-partitions-exceeded',
      'lake-throttled',
      'lake-transformer-errors',
      'lake-transformer-throttles',
    ]);
    for (const { actions, missing } of alarms) {
      expect(actions).toEqual({ alarm: [ofCore('Alerts')], ok: [ofCore('Alerts')] });
      expect(missing).toBe('notBreaching');
    }
  });

  test('watches the stream, the function, the queue and the metric of this stack', () => {
    const lookedAt = alarmsOf(template).flatMap(({ metrics }) =>
      Object.values(metrics).map(({ Metric: { Namespace, MetricName, Dimensions } }) => [
        `${Namespace} ${MetricName}`,
        Dimensions[0]?.Value,
      ]),
    );
    const stream = { Ref: ref('DeliveryStream') };
    const transformer = { Ref: ref('DeliveryTransformer') };
    expect(Object.fromEntries(lookedAt)).toEqual({
      'ThumbnailGenerator EventsRefused': 'ThumbnailGeneratorDataLake',
      'AWS/Firehose FailedConversion.Records': stream,
      'AWS/Firehose PartitionCountExceeded': stream,
      'AWS/Firehose ThrottledRecords': stream,
      'AWS/Firehose DeliveryToS3.DataFreshness': stream,
      'AWS/Lambda Errors': transformer,
      'AWS/Lambda Throttles': transformer,
      'AWS/SQS ApproximateNumberOfMessagesVisible': {
        'Fn::GetAtt': [ref('DeliveryDeadLetters'), 'QueueName'],
      },
    });
  });

  test('for late events allows for the buffering of Firehose', () => {
    const freshness = alarmsOf(template).find(({ name }) => name === 'lake-freshness');
    expect(freshness?.threshold).toBeGreaterThan(1.5 * 900);
  });

  test('has a section in docs/data-lake.md, which has no other', () => {
    const [, alarmsPart = ''] = /\n## When an alarm goes off\n(.*?)(?:\n## |$)/s.exec(page) ?? [];
    const sections = alarmsPart.split(/^### /m).slice(1);
    expect(sections.map((section) => section.split('\n')[0])).toEqual(
      alarmsOf(template).map(({ name }) => name),
    );
    for (const section of sections) expect(section).toMatch(/```sh\n(?:insights|aws) /);
    for (const { name, description } of alarmsOf(template)) {
      expect(description).toMatch(new RegExp(` See docs/data-lake\\.md#${name}$`));
    }
  });
});

const page = readFileSync('docs/data-lake.md', 'utf8');

describe('docs/data-lake.md', () => {
  test('names only outputs and logs that exist', () => {
    const outputs = [...page.matchAll(/\$\(output (\w+)\)/g)].map(([, name]) => name);
    expect(outputs.length).toBeGreaterThan(3);
    expect(Object.keys(template.toJSON()['Outputs'])).toEqual(expect.arrayContaining(outputs));
    const logs = [...page.matchAll(/^insights (\w+) '/gm)].map(([, name = '']) => name);
    expect(logs.length).toBeGreaterThan(1);
    for (const name of logs) expect(ref(name)).toBeDefined();
  });

  test('names every query', () => {
    for (const { name } of namedQueries({ ingestMemoryMiB: 1, resizeMemoryMiB: 1 }))
      expect(page).toContain(`\`${name}\``);
  });
});

test('every log expires', () => {
  template.resourceCountIs('AWS::Logs::LogGroup', 2);
  template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
});

test('the function runs like those of the service, with the stack’s name in its environment', () => {
  template.hasResourceProperties('AWS::Lambda::Function', {
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
    TracingConfig: { Mode: 'Active' },
    Environment: { Variables: { STACK_NAME: 'ThumbnailGeneratorDataLake' } },
  });
});

test('another copy has its own names', () => {
  const named = (of: Template) =>
    JSON.stringify([
      resourcesOf(of, 'AWS::Athena::WorkGroup').map(({ Name }) => Name),
      resourcesOf(of, 'AWS::Glue::Database').map(({ DatabaseInput }) => DatabaseInput.Name),
    ]);
  expect(named(Template.fromStack(appWith({ stackName: 'Second-Copy' }).lake))).not.toBe(named(template));
  const given = JSON.stringify(template.toJSON());
  expect(given).not.toMatch(
    /"(?:BucketName|QueueName|TopicName|FunctionName|RoleName|DeliveryStreamName)":"/,
  );
  expect(given).not.toMatch(/arn:aws:[^"]*\d{12}/);
});

describe('the rules of cdk-nag', () => {
  /** The findings of cdk-nag, and those that the lake acknowledges, each with its reason. */
  const examine = (given: Readonly<Record<string, unknown>>) => {
    const { app, outdir, lake } = appWith(given);
    Validations.of(app).addPlugins(new AwsSolutionsChecks());
    try {
      app.synth();
    } catch (error) {
      // Findings stop the synthesis, but are in the report.
      expect(String(error)).toContain('validation-report.json');
    }
    const { pluginReports } = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'));
    const found: string[] = pluginReports.flatMap(
      ({ violations }: { violations: readonly { ruleName: string }[] }) =>
        violations.map(({ ruleName }) => ruleName),
    );
    const acknowledged = lake.node
      .findAll()
      .flatMap(({ node }) => node.metadata)
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries<string>(data))
      .map(([id, reason]) => ({ rule: id.replace('Annotation::', ''), reason }));
    return { found: [...new Set(found)].sort(), acknowledged };
  };

  test.each([
    ['the default settings', {}],
    ['everything deleted with the stack', { imagesOnDestroy: 'delete' }],
  ])('with %s find exactly what is acknowledged with a reason', (_, given) => {
    mockIsAcknowledging = true;
    const { found, acknowledged } = examine(given);
    expect(acknowledge).toHaveBeenCalled();
    expect(found).toEqual([]);
    for (const { reason } of acknowledged) expect(reason.split(' ').length).toBeGreaterThan(10);
    mockIsAcknowledging = false;
    // One rule may be broken in two places, each with its reason.
    expect(examine(given).found).toEqual([...new Set(acknowledged.map(({ rule }) => rule))].sort());
  });
});
