import { isDeepStrictEqual } from 'node:util';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { admissionTable } from '../../lambdas/aws/admission-table.ts';
import { readSettings } from '../../lib/settings.ts';
import { comparable, everySetting, inContainers, resourcesOf, templateWith } from './stacks.ts';

let template: Template;
let changed: Template;
let containers: Template;

beforeAll(() => {
  template = templateWith();
  changed = templateWith(everySetting);
  containers = templateWith(inContainers);
});

const ownFunctions = (of: Template) =>
  resourcesOf(of, 'AWS::Lambda::Function').filter(({ name }) =>
    /^(?:Ingest|Resize|ResizeSlow|Reconciler|Notify)Function/.test(name),
  );

const tableOf = (of: Template, name: string) => {
  const [table] = resourcesOf(of, 'AWS::DynamoDB::Table').filter((each) => each.name.startsWith(name));
  if (table === undefined) throw new Error(`There is no table ${name}`);
  return table;
};

describe('the template', () => {
  test('matches its snapshot with the default settings', () => {
    expect(comparable(template)).toMatchSnapshot();
  });

  test('matches its snapshot with every setting changed', () => {
    expect(comparable(changed)).toMatchSnapshot();
  });

  test('matches its snapshot with containers, where it differs from that with functions', () => {
    const { Resources: withFunctions } = comparable(template);
    const { Resources: withContainers } = comparable(containers);
    const others = Object.entries(withContainers).filter(
      ([logicalId, resource]) => !isDeepStrictEqual(resource, withFunctions[logicalId]),
    );
    expect(Object.fromEntries(others)).toMatchSnapshot();
  });

  test('has no physical names, so that two copies can coexist', () => {
    const given = JSON.stringify(template.toJSON());
    expect(given).not.toMatch(/"(?:BucketName|QueueName|TopicName|FunctionName|RoleName|TableName)":"/);
    expect(given).not.toMatch(/arn:aws:[^"]*\d{12}/);
  });

  test('outputs the upload URL and the names of its resources', () => {
    // Besides those for the data lake.
    const outputsOf = (of: Template) =>
      Object.entries(of.findOutputs('*'))
        .flatMap(([name, { Export }]) => (Export ? [] : [name]))
        .sort();
    const outputs = [
      'AdmissionTableName',
      'AlertsTopicArn',
      'CatalogTableName',
      'DeleteDeadLetterQueueUrl',
      'DeleteQueueUrl',
      'ImageEventsTopicArn',
      'RawBucketName',
      'ReconcilerFunctionName',
      'ResizeDeadLetterQueueUrl',
      'ResizeQueueUrl',
      'SlowResizeDeadLetterQueueUrl',
      'SlowResizeQueueUrl',
      'ThumbnailBucketName',
      'UploadUrl',
    ];
    expect(outputsOf(template)).toEqual(outputs);
    expect(outputsOf(changed)).toEqual(
      [
        ...outputs,
        'ApiDomainTarget',
        'PublicUploadUrl',
        'MailRequestsTableName',
        'OwnersTableName',
        'NotifyQueueUrl',
        'NotifyDeadLetterQueueUrl',
      ].sort(),
    );
    expect(JSON.stringify(template.findOutputs('UploadUrl'))).toMatch(/"\/dev\/upload_image"/);
    expect(JSON.stringify(changed.findOutputs('UploadUrl'))).toMatch(/"\/live\/upload_image"/);
  });
});

describe('both buckets', () => {
  test('are private, encrypted and owner-enforced, and abort abandoned uploads', () => {
    template.resourceCountIs('AWS::S3::Bucket', 2);
    template.allResourcesProperties('AWS::S3::Bucket', {
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
      LifecycleConfiguration: {
        Rules: [
          Match.objectLike({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' }),
        ],
      },
    });
  });

  test('refuse requests without TLS', () => {
    template.resourceCountIs('AWS::S3::BucketPolicy', 2);
    template.allResourcesProperties('AWS::S3::BucketPolicy', {
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

  test('are retained by default', () => {
    template.allResources('AWS::S3::Bucket', { DeletionPolicy: 'RetainExceptOnCreate' });
    template.resourceCountIs('Custom::S3AutoDeleteObjects', 0);
    changed.allResources('AWS::S3::Bucket', { DeletionPolicy: 'Delete' });
    changed.resourceCountIs('Custom::S3AutoDeleteObjects', 2);
  });
});

describe('the API', () => {
  test('has the explicit routes of the contract and no other', () => {
    expect(
      resourcesOf(template, 'AWS::ApiGatewayV2::Route')
        .map(({ RouteKey }) => RouteKey)
        .sort(),
    ).toEqual([
      'GET /',
      'GET /client.js',
      'GET /images/{id}',
      'GET /openapi.json',
      'GET /thumbnails/{id}',
      'GET /thumbnails/{id}/{variant}',
      'HEAD /',
      'HEAD /client.js',
      'HEAD /images/{id}',
      'HEAD /openapi.json',
      'HEAD /thumbnails/{id}',
      'HEAD /thumbnails/{id}/{variant}',
      'POST /upload_image',
      'POST /uploads',
    ]);
  });

  /** The type of authorization of each route. */
  const guarded = (of: Template) =>
    Object.fromEntries(
      resourcesOf(of, 'AWS::ApiGatewayV2::Route').map(({ RouteKey, AuthorizationType }) => [
        RouteKey,
        AuthorizationType,
      ]),
    );
  const links = [
    'GET /thumbnails/{id}',
    'HEAD /thumbnails/{id}',
    'GET /thumbnails/{id}/{variant}',
    'HEAD /thumbnails/{id}/{variant}',
  ];
  const images = ['POST /upload_image', 'POST /uploads', 'GET /images/{id}', 'HEAD /images/{id}'];
  const own = ['GET /images', 'HEAD /images', 'DELETE /images/{id}'];
  const described = ['GET /openapi.json', 'HEAD /openapi.json', 'GET /client.js', 'HEAD /client.js'];
  const page = ['GET /', 'HEAD /'];
  const each = (routes: readonly string[], authorization: string) =>
    Object.fromEntries(routes.map((route) => [route, authorization]));

  test('is open by default', () => {
    expect(guarded(template)).toEqual(each([...images, ...links, ...described, ...page], 'NONE'));
  });

  test('shows its page to everyone with auth "jwt" and uploadPage, as the page asks for the token', () => {
    const jwt = { issuer: 'https://idp.example', audience: ['thumbnails'] };
    expect(guarded(templateWith({ auth: { jwt }, uploadPage: true }))).toEqual({
      ...each([...images, ...own], 'JWT'),
      ...each([...links, ...described, ...page], 'NONE'),
    });
  });

  test('answers preflight requests of listed origins without authorization, and so do the buckets', () => {
    const origin = 'https://app.example.com';
    const listed = templateWith({ auth: 'iam', corsOrigins: [origin] });
    const preflights = Object.entries(guarded(listed)).filter(([key]) => key.startsWith('OPTIONS '));
    expect(Object.fromEntries(preflights)).toEqual(
      each(
        [
          '/upload_image',
          '/uploads',
          '/images/{id}',
          '/images',
          '/thumbnails/{id}',
          '/thumbnails/{id}/{variant}',
        ]
          .concat('/openapi.json', '/client.js', '/')
          .map((path) => `OPTIONS ${path}`),
        'NONE',
      ),
    );
    const rules = resourcesOf(listed, 'AWS::S3::Bucket').flatMap(
      ({ CorsConfiguration }) => CorsConfiguration?.CorsRules ?? [],
    );
    expect(rules).toEqual([
      expect.objectContaining({ AllowedMethods: ['PUT'], AllowedOrigins: [origin] }),
      expect.objectContaining({ AllowedMethods: ['GET', 'HEAD'], AllowedOrigins: [origin] }),
    ]);
  });

  test('lets only its own page send large images to the raw bucket by default', () => {
    const rules = resourcesOf(template, 'AWS::S3::Bucket').flatMap(
      ({ CorsConfiguration }) => CorsConfiguration?.CorsRules ?? [],
    );
    expect(rules).toEqual([
      expect.objectContaining({
        AllowedMethods: ['PUT'],
        AllowedOrigins: [{ 'Fn::GetAtt': [expect.stringContaining('HttpApi'), 'ApiEndpoint'] }],
      }),
    ]);
  });

  test('requires signatures of IAM with auth "iam", except for public links', () => {
    expect(guarded(templateWith({ auth: 'iam' }))).toEqual({
      ...each([...images, ...own], 'AWS_IAM'),
      ...each([...links, ...described, ...page], 'NONE'),
    });
  });

  test('requires tokens with auth "jwt", for links too with links "same"', () => {
    expect(guarded(changed)).toEqual({
      ...each([...images, ...own, ...links], 'JWT'),
      ...each([...described, ...page], 'NONE'),
    });
    changed.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
      AuthorizerType: 'JWT',
      JwtConfiguration: { Issuer: 'https://idp.example', Audience: ['thumbnails'] },
      IdentitySource: ['$request.header.Authorization'],
    });
  });

  test('has a named stage with throttling and an access log', () => {
    template.resourceCountIs('AWS::ApiGatewayV2::Stage', 1);
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      StageName: 'dev',
      DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
      RouteSettings: {
        'POST /upload_image': { ThrottlingRateLimit: 10, ThrottlingBurstLimit: 50 },
        'POST /uploads': { ThrottlingRateLimit: 10, ThrottlingBurstLimit: 50 },
      },
      AccessLogSettings: {
        DestinationArn: Match.anyValue(),
        Format: Match.stringLikeRegexp('\\$context.status'),
      },
    });
    changed.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      StageName: 'live',
      DefaultRouteSettings: { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 },
      RouteSettings: Match.objectLike({
        'POST /upload_image': { ThrottlingRateLimit: 2, ThrottlingBurstLimit: 3 },
      }),
    });
  });

  test('reserves the configured concurrency, and none by default', () => {
    const reserved = (of: Template) =>
      ownFunctions(of).flatMap(({ name, ReservedConcurrentExecutions }) =>
        ReservedConcurrentExecutions === undefined ? [] : [[name.slice(0, 6), ReservedConcurrentExecutions]],
      );
    expect(reserved(template)).toEqual([]);
    expect(reserved(changed)).toEqual([['Ingest', 25]]);
  });
});

describe('a domain', () => {
  test('serves the API under the same paths, with TLS 1.2 or newer', () => {
    template.resourceCountIs('AWS::ApiGatewayV2::DomainName', 0);
    const [domain] = resourcesOf(changed, 'AWS::ApiGatewayV2::DomainName');
    expect(domain).toMatchObject({
      DomainName: 'images.example.com',
      DomainNameConfigurations: [
        {
          CertificateArn: inContainers.domain.certificateArn,
          EndpointType: 'REGIONAL',
          SecurityPolicy: 'TLS_1_2',
        },
      ],
    });
    changed.hasResourceProperties('AWS::ApiGatewayV2::ApiMapping', {
      ApiMappingKey: 'live',
      Stage: 'live',
      DomainName: { Ref: domain?.name },
    });
  });

  test('is the beginning of links in replies and mails', () => {
    const found = ownFunctions(changed).flatMap(({ name, Environment: { Variables } }) => {
      const { PUBLIC_URL, API_URL } = Variables;
      return PUBLIC_URL || API_URL ? [[name.slice(0, 6), PUBLIC_URL ?? API_URL]] : [];
    });
    expect(found).toEqual([
      ['Ingest', 'https://images.example.com/live'],
      ['Notify', 'https://images.example.com/live'],
    ]);
    for (const { Environment } of ownFunctions(template))
      expect(Environment.Variables.PUBLIC_URL).toBeUndefined();
  });
});

describe('all functions', () => {
  test('run Node.js 24 on arm64, with tracing, a timeout and a log that expires', () => {
    const functions = ownFunctions(changed);
    expect(functions).toHaveLength(5);
    expect(ownFunctions(template)).toHaveLength(4);
    for (const { Runtime, Architectures, TracingConfig, Timeout, MemorySize, LoggingConfig } of functions) {
      expect({ Runtime, Architectures, TracingConfig }).toEqual({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        TracingConfig: { Mode: 'Active' },
      });
      expect(Timeout).toBeGreaterThan(0);
      expect(MemorySize).toBeGreaterThan(0);
      const logGroup = changed.findResources('AWS::Logs::LogGroup')[LoggingConfig.LogGroup.Ref];
      expect(logGroup?.['Properties']).toMatchObject({ RetentionInDays: 7 });
    }
  });

  test('have the variants with all defaults in their environment', () => {
    const found = ownFunctions(changed).flatMap(({ Environment }) => Environment.Variables.VARIANTS ?? []);
    // The reconciler makes none.
    expect(found).toHaveLength(4);
    for (const variants of found) {
      expect(JSON.parse(variants)).toEqual(everySetting.variants);
    }
  });
});

describe('the resize function', () => {
  test('has one whole CPU, and more memory if decoders need more', () => {
    const memoryOf = (name: string, each: Template): number =>
      ownFunctions(each).find((one) => one.name.startsWith(name))?.MemorySize;
    for (const name of ['ResizeFunction', 'ResizeSlowFunction']) expect(memoryOf(name, template)).toBe(1769);
    const roomy = templateWith({ decodeMemoryMiB: 3000 });
    expect(memoryOf('ResizeSlowFunction', roomy)).toBe(3450);
    // The fast lane allows 512 MiB for an image, whatever the setting.
    expect(memoryOf('ResizeFunction', roomy)).toBe(1769);
  });

  test('has time for two decodes of the longest allowed duration', () => {
    const resize = ownFunctions(template).find(({ name }) => name.startsWith('ResizeFunction'));
    const longestSeconds = 50;
    expect(() => readSettings({ decodeTimeoutSeconds: longestSeconds + 1 })).toThrow('decodeTimeoutSeconds');
    expect(resize?.Timeout).toBeGreaterThan(2 * longestSeconds);
  });
});

describe('the catalog', () => {
  test('has on-demand billing, encryption, point-in-time recovery and an expiry', () => {
    template.resourceCountIs('AWS::DynamoDB::Table', 2);
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      BillingMode: 'PAY_PER_REQUEST',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
      TimeToLiveSpecification: { AttributeName: 'expiresAtSeconds', Enabled: true },
    });
  });

  test('is retained by default', () => {
    const policyIn = (of: Template) => of.findResources('AWS::DynamoDB::Table')[tableOf(of, 'Catalog').name];
    expect(policyIn(template)?.['DeletionPolicy']).toBe('RetainExceptOnCreate');
    expect(policyIn(changed)?.['DeletionPolicy']).toBe('Delete');
  });
});

describe('the admission table', () => {
  test('has the key that the code uses, encryption, on-demand billing and an expiry', () => {
    const { partitionKey, timeToLive } = admissionTable;
    expect(tableOf(template, 'Admission')).toMatchObject({
      AttributeDefinitions: [{ AttributeName: partitionKey, AttributeType: 'S' }],
      KeySchema: [{ AttributeName: partitionKey, KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
      SSESpecification: { SSEEnabled: true },
      TimeToLiveSpecification: { AttributeName: timeToLive, Enabled: true },
    });
  });

  test('is deleted with the stack, even if the images are kept', () => {
    const table = tableOf(template, 'Admission');
    expect(table).not.toHaveProperty('PointInTimeRecoverySpecification');
    expect(template.toJSON()['Resources'][table.name].DeletionPolicy).toBe('Delete');
  });

  test('has the limits of the settings, with functions and with containers', () => {
    const variablesOf = (of: Template) =>
      ownFunctions(of).find(({ name }) => name.startsWith('Ingest'))?.Environment.Variables;
    expect(variablesOf(template)).toMatchObject({
      ADMISSION_TABLE: { Ref: tableOf(template, 'Admission').name },
      MAX_UPLOADS_PER_DAY: '100000',
      MAX_UPLOAD_BYTES_PER_DAY: '200000000000',
      MAX_WAITING_CALLERS: '2',
    });
    expect(variablesOf(changed)).toMatchObject({
      MAX_UPLOADS_PER_DAY: '300',
      MAX_UPLOAD_BYTES_PER_DAY: '3000000000',
      MAX_WAITING_CALLERS: '4',
    });
    const [ingestTask] = resourcesOf(containers, 'AWS::ECS::TaskDefinition').filter(({ name }) =>
      name.includes('Ingest'),
    );
    expect(ingestTask?.ContainerDefinitions[0].Environment).toEqual(
      expect.arrayContaining([
        { Name: 'MAX_UPLOADS_PER_DAY', Value: '100000' },
        { Name: 'MAX_UPLOAD_BYTES_PER_DAY', Value: '200000000000' },
      ]),
    );
  });
});

describe('the reconciler', () => {
  test('runs every five minutes', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(5 minutes)',
      State: 'ENABLED',
    });
  });

  test('waits longer than the visibility timeout before an image counts as lost', () => {
    const reconciler = ownFunctions(template).find(({ name }) => name.startsWith('ReconcilerFunction'));
    const queue = resourcesOf(template, 'AWS::SQS::Queue').find(({ RedrivePolicy }) => RedrivePolicy);
    expect(Number(reconciler?.Environment.Variables.OVERDUE_SECONDS)).toBeGreaterThan(
      queue?.VisibilityTimeout,
    );
  });
});

describe('the queues', () => {
  test('are encrypted, require TLS, and keep dead letters longer than messages', () => {
    template.allResourcesProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true });
    const queues = resourcesOf(template, 'AWS::SQS::Queue');
    expect(queues).toHaveLength(6);
    for (const name of ['ResizeQueue', 'SlowResizeQueue', 'DeleteQueue']) {
      const [deadLetters, queue] = queues.filter((each) => each.name.startsWith(name));
      expect(queue?.RedrivePolicy).toEqual({
        deadLetterTargetArn: { 'Fn::GetAtt': [deadLetters?.name, 'Arn'] },
        maxReceiveCount: 5,
      });
      expect(deadLetters?.MessageRetentionPeriod).toBeGreaterThan(queue?.MessageRetentionPeriod);
    }
    expect(resourcesOf(template, 'AWS::SQS::QueuePolicy')).toHaveLength(6);
    template.allResourcesProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      }),
    });
  });

  test('receive events of new originals of this account only', () => {
    const queue = Object.keys(template.findResources('AWS::SQS::Queue')).find((name) =>
      /^ResizeQueue[0-9A-F]{8}$/.test(name),
    );
    const [rawBucket, ...others] = resourcesOf(template, 'AWS::S3::Bucket').filter(
      ({ NotificationConfiguration }) => NotificationConfiguration,
    );
    expect(others).toEqual([]);
    expect(rawBucket?.name).toMatch(/^RawBucket/);
    expect(rawBucket?.NotificationConfiguration).toEqual({
      QueueConfigurations: [
        {
          Event: 's3:ObjectCreated:*',
          Queue: { 'Fn::GetAtt': [queue, 'Arn'] },
          Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: 'raw/' }] } },
        },
      ],
    });
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Allow',
            Action: 'sqs:SendMessage',
            Principal: { Service: 's3.amazonaws.com' },
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          }),
        ]),
      }),
    });
  });

  test('have six times the function’s timeout, and one image per batch', () => {
    const resize = ownFunctions(template).find(({ name }) => name.startsWith('ResizeFunction'));
    template.hasResourceProperties('AWS::SQS::Queue', {
      VisibilityTimeout: 6 * resize?.Timeout,
      RedrivePolicy: Match.anyValue(),
    });
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 3 },
    });
    changed.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      ScalingConfig: { MaximumConcurrency: 4 },
    });
  });
});

describe('each role', () => {
  test('can be assumed by its own service only, and the URL signer by ingest', () => {
    const trusted = resourcesOf(changed, 'AWS::IAM::Role')
      .filter(({ name }) => /^(?:Ingest|Resize|Reconciler|Notify)/.test(name))
      .map(({ name, AssumeRolePolicyDocument }) => [
        name.replace(/[0-9A-F]{8}$/, ''),
        AssumeRolePolicyDocument.Statement,
      ]);
    const ingestRole = Object.keys(changed.findResources('AWS::IAM::Role')).find((name) =>
      /^IngestFunctionRole[0-9A-F]{8}$/.test(name),
    );
    const trust = (Principal: object) => [{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal }];
    const lambda = trust({ Service: 'lambda.amazonaws.com' });
    expect(Object.fromEntries(trusted)).toEqual({
      IngestFunctionRole: lambda,
      ResizeFunctionRole: lambda,
      ResizeSlowFunctionRole: lambda,
      ReconcilerFunctionRole: lambda,
      NotifyFunctionRole: lambda,
      IngestUrlSigner: trust({ AWS: { 'Fn::GetAtt': [ingestRole, 'Arn'] } }),
    });
  });

  test('has no managed policy', () => {
    for (const { name, ManagedPolicyArns } of [
      ...resourcesOf(template, 'AWS::IAM::Role'),
      ...resourcesOf(changed, 'AWS::IAM::Role'),
    ]) {
      // CDK's own function, which empties buckets.
      if (name.startsWith('CustomS3AutoDeleteObjects')) continue;
      expect(ManagedPolicyArns).toBeUndefined();
    }
  });
});

describe('no resource', () => {
  test('is a log without an expiry', () => {
    for (const each of [template, changed, containers]) {
      each.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: Match.anyValue() });
    }
  });

  test.each([
    ['default', () => template, 3],
    ['changed', () => changed, 4],
  ])(
    'with the %s settings is a queue without a dead-letter queue that keeps messages longer',
    (_, of, count) => {
      const queues = resourcesOf(of(), 'AWS::SQS::Queue');
      const sources = queues.filter(({ RedrivePolicy }) => RedrivePolicy);
      const targets = sources.map(({ RedrivePolicy, MessageRetentionPeriod }) => {
        const [target] = RedrivePolicy.deadLetterTargetArn['Fn::GetAtt'];
        const deadLetters = queues.find(({ name }) => name === target);
        expect(deadLetters?.MessageRetentionPeriod).toBeGreaterThan(MessageRetentionPeriod);
        return target;
      });
      expect(sources).toHaveLength(count);
      expect(queues.map(({ name }) => name).sort()).toEqual(
        [...sources.map(({ name }) => name), ...targets].sort(),
      );
    },
  );

  test('has a secret in its environment', () => {
    for (const { Environment } of ownFunctions(changed)) {
      for (const name of Object.keys(Environment.Variables)) {
        expect(name).not.toMatch(/SECRET|PASSWORD|TOKEN|CREDENTIAL|PRIVATE|_KEY$/);
      }
    }
  });
});
