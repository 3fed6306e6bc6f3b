import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { Template } from 'aws-cdk-lib/assertions';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { mockClient } from 'aws-sdk-client-mock';
import { DataLakeStack } from '../../lib/lake/data-lake-stack.ts';
import type { Settings } from '../../lib/settings.ts';
import { appWith, everySetting, inContainers, resourcesOf } from './stacks.ts';

/** What AWS does to a deployment in a real account, and no emulator shows. */

interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly DependsOn?: readonly string[];
  readonly Properties?: Readonly<Record<string, unknown>>;
}
type Resources = Readonly<Record<string, Resource>>;

const email = { from: 'images@example.com', allowedRecipients: ['example.com'] };

/** The service with these settings, and its data lake. */
const deploy = (given: Readonly<Record<string, unknown>> = {}) => {
  const { app, settings, stack } = appWith(given);
  const { imageEvents, alerts } = stack;
  const lake = new DataLakeStack(app, `${settings.stackName}DataLake`, { settings, imageEvents, alerts });
  return { settings, service: Template.fromStack(stack), lake: Template.fromStack(lake) };
};

let plain: ReturnType<typeof deploy>;
let withMail: ReturnType<typeof deploy>;
let containers: ReturnType<typeof deploy>;
let everything: ReturnType<typeof deploy>;

beforeAll(() => {
  plain = deploy();
  withMail = deploy({ email });
  containers = deploy({ ...inContainers, email });
  everything = deploy(everySetting);
}, 120_000);

const resources = (template: Template): Resources => template.toJSON()['Resources'];

const all = (): Resources[] =>
  [plain, withMail, containers, everything].flatMap(({ service, lake }) => [
    resources(service),
    resources(lake),
  ]);

/** The logical ids of all resources of a type, with those that each waits for. */
const waitingFor = (template: Template, type: string) =>
  Object.entries(resources(template)).flatMap(([logicalId, { Type, DependsOn = [] }]) =>
    Type === type ? [{ logicalId, dependsOn: DependsOn }] : [],
  );

/** The only logical id with this beginning and a hash. */
const idOf = (template: Template, name: string): string => {
  const [found, ...others] = Object.keys(resources(template)).filter((logicalId) =>
    new RegExp(`^${name}[0-9A-F]{8}$`).test(logicalId),
  );
  if (found === undefined || others.length > 0) throw new Error(`There is not one ${name}`);
  return found;
};

/** Names that are unique in an account, not in each of its regions; S3's are unique in the whole world. */
const globalNames: Readonly<Record<string, string>> = {
  'AWS::Budgets::Budget': 'BudgetName',
  'AWS::CloudFront::Function': 'Name',
  'AWS::CloudWatch::Dashboard': 'DashboardName',
  'AWS::IAM::Group': 'GroupName',
  'AWS::IAM::InstanceProfile': 'InstanceProfileName',
  'AWS::IAM::ManagedPolicy': 'ManagedPolicyName',
  'AWS::IAM::Role': 'RoleName',
  'AWS::IAM::User': 'UserName',
  'AWS::S3::Bucket': 'BucketName',
};

const asObject = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});

describe('a second region of the account', () => {
  test('gets a dashboard of its own, and no other name is global to the account', () => {
    const named = all().flatMap((each) =>
      Object.values(each).flatMap(({ Type, Properties }) => {
        // A budget has its name one level deeper.
        const given = JSON.stringify(
          { ...Properties, ...asObject(Properties?.['Budget']) }[globalNames[Type] ?? ''],
        );
        return given === undefined ? [] : [{ Type, name: given }];
      }),
    );
    expect(new Set(named.map(({ Type }) => Type))).toContain('AWS::CloudWatch::Dashboard');
    for (const { name } of named) expect(name).toContain('{"Ref":"AWS::Region"}');
  });
});

describe('the first containers of an account', () => {
  test('are created by ECS after its own role: the cluster names no capacity provider, their association waits', () => {
    const [cluster] = resourcesOf(containers.service, 'AWS::ECS::Cluster');
    expect(cluster).toBeDefined();
    expect(cluster).not.toHaveProperty('CapacityProviders');
    expect(waitingFor(containers.service, 'AWS::ECS::Cluster')).toEqual([
      { logicalId: cluster?.name, dependsOn: [] },
    ]);
    const [associations] = resourcesOf(containers.service, 'AWS::ECS::ClusterCapacityProviderAssociations');
    expect(associations).toMatchObject({
      Cluster: { Ref: cluster?.name },
      CapacityProviders: ['FARGATE', 'FARGATE_SPOT'],
    });
    const [{ dependsOn } = { dependsOn: [] }] = waitingFor(
      containers.service,
      'AWS::ECS::ClusterCapacityProviderAssociations',
    );
    expect(dependsOn).toContain(idOf(containers.service, 'ContainersLoadBalancer'));
  });

  test('exist only while the cluster has the capacity providers', () => {
    const services = waitingFor(containers.service, 'AWS::ECS::Service');
    expect(services).toHaveLength(2);
    const associations = idOf(containers.service, 'ContainersCapacityProviders');
    for (const { dependsOn } of services) expect(dependsOn).toContain(associations);
  });

  test('fit into 6 vCPU on demand with the fewest tasks, also while a deployment replaces them', () => {
    const { ingest, worker } = containers.settings.fargate;
    const least = [ingest, worker].map(({ minTasks, vcpus }) => minTasks * vcpus);
    const [ingestVcpus = Number.NaN, workerVcpus = Number.NaN] = least;
    // CloudFormation replaces the tasks of one service after those of the other.
    expect(ingestVcpus + workerVcpus + Math.max(ingestVcpus, workerVcpus)).toBeLessThanOrEqual(6);
    for (const { DeploymentConfiguration } of resourcesOf(containers.service, 'AWS::ECS::Service')) {
      expect(DeploymentConfiguration.MaximumPercent).toBe(200);
    }
    const workers = waitingFor(containers.service, 'AWS::ECS::Service').find(({ logicalId }) =>
      logicalId.startsWith('ContainersResize'),
    );
    expect(workers?.dependsOn).toContain(idOf(containers.service, 'ContainersIngestService'));
  });
});

describe('a first deployment that fails', () => {
  test('leaves nothing behind but the logs of traffic, which are never empty', () => {
    const kept = all().flatMap((each) =>
      Object.entries(each).filter(([, { DeletionPolicy = 'Delete' }]) => DeletionPolicy !== 'Delete'),
    );
    const withPolicy = (policy: string) =>
      kept.filter(([, { DeletionPolicy }]) => DeletionPolicy === policy).map(([logicalId]) => logicalId);
    expect(withPolicy('Retain')).toEqual([idOf(containers.service, 'ContainersTrafficLogs')]);
    const [rawBucket, catalog] = ['RawBucket', 'Catalog'].map((name) => idOf(plain.service, name));
    expect(withPolicy('RetainExceptOnCreate')).toEqual(expect.arrayContaining([rawBucket, catalog]));
    expect(new Set(kept.map(([, { DeletionPolicy }]) => DeletionPolicy))).toEqual(
      new Set(['Retain', 'RetainExceptOnCreate']),
    );
  });

  test('is different from a later one, which keeps what it replaces or removes', () => {
    for (const each of all()) {
      for (const resource of Object.values(each)) {
        if (resource.DeletionPolicy !== 'RetainExceptOnCreate') continue;
        expect(resource).toHaveProperty('UpdateReplacePolicy', 'Retain');
      }
    }
  });
});

describe('an account with the quotas of a new one', () => {
  /** Lambda quotas, and what AWS says about new accounts (aws-solutions/fhir-works-on-aws#691). */
  const newAccount = { concurrentExecutions: 10, memoryMiB: 3008 };

  /** The functions that queues and waiting callers may use at the same time. */
  const bounded = ({ service, settings }: { service: Template; settings: Settings }): number =>
    resourcesOf(service, 'AWS::Lambda::EventSourceMapping').reduce(
      (sum, { ScalingConfig }) => sum + ScalingConfig.MaximumConcurrency,
      settings.maxWaitingCallers,
    );

  test('has a function left for uploads when every queue is full and every waiting place taken', () => {
    expect(bounded(plain)).toBeLessThanOrEqual(newAccount.concurrentExecutions - 1);
    // docs/scaling.md, "New accounts".
    expect(bounded(withMail)).toBe(bounded(plain) + 2);
  });

  test('has room for each function, and none reserves concurrency', () => {
    const functions = [plain, withMail].flatMap(({ service, lake }) =>
      [service, lake].flatMap((template) => resourcesOf(template, 'AWS::Lambda::Function')),
    );
    expect(functions.length).toBeGreaterThan(5);
    for (const { MemorySize, ReservedConcurrentExecutions } of functions) {
      expect(MemorySize).toBeLessThanOrEqual(newAccount.memoryMiB);
      expect(ReservedConcurrentExecutions).toBeUndefined();
    }
  });

  test('throttles a message at least five times, for six timeouts each, before it becomes a dead letter', () => {
    const { service } = withMail;
    const functions = resourcesOf(service, 'AWS::Lambda::Function');
    const queues = resourcesOf(service, 'AWS::SQS::Queue');
    const mappings = resourcesOf(service, 'AWS::Lambda::EventSourceMapping');
    expect(mappings.length).toBeGreaterThan(2);
    for (const { EventSourceArn, FunctionName } of mappings) {
      const queue = queues.find(({ name }) => name === EventSourceArn['Fn::GetAtt'][0]);
      const handler = functions.find(({ name }) => name === FunctionName.Ref);
      expect(queue?.RedrivePolicy.maxReceiveCount).toBeGreaterThanOrEqual(5);
      expect(queue?.VisibilityTimeout).toBeGreaterThanOrEqual(6 * handler?.Timeout);
    }
  });
});

describe('the access log of the API', () => {
  test('takes no part of the policy for logs to which AWS delivers, and has a name for each service', () => {
    const nameIn = ({ service }: { service: Template }) => {
      const logs = resourcesOf(service, 'AWS::Logs::LogGroup');
      return logs.find(({ name }) => name === idOf(service, 'UploadApiAccessLogs'))?.LogGroupName;
    };
    expect(nameIn(plain)).toBe('/aws/vendedlogs/ThumbnailGenerator/api-access');
    expect(nameIn(everything)).toBe('/aws/vendedlogs/Second/api-access');
  });

  test('is named as API Gateway stores it, so that drift is real', () => {
    const [stage] = resourcesOf(plain.service, 'AWS::ApiGatewayV2::Stage');
    const arn = JSON.stringify(stage?.AccessLogSettings.DestinationArn);
    expect(arn).toContain(idOf(plain.service, 'UploadApiAccessLogs'));
    expect(arn).toContain(':log-group:');
    expect(arn).not.toContain(':*');
    expect(arn).not.toContain('Fn::GetAtt');
  });
});

describe('a throttled route', () => {
  const stageOf = (given: Readonly<Record<string, unknown>>) => {
    const template = Template.fromStack(appWith(given).stack);
    const [stage] = resourcesOf(template, 'AWS::ApiGatewayV2::Stage');
    const routes = resourcesOf(template, 'AWS::ApiGatewayV2::Route').map(({ RouteKey }) => RouteKey);
    return { throttled: Object.keys(stage?.RouteSettings ?? {}).sort(), routes };
  };

  test.each([
    ['the default settings', {}],
    ['no page', { uploadPage: false }],
    ['signatures of IAM', { auth: 'iam' }],
  ])('is never removed, because its throttle would stay and stop later deployments: with %s', (_, given) => {
    const { throttled, routes } = stageOf(given);
    // To remove or rename one, see docs/operations.md, "Facts about AWS".
    expect(throttled).toEqual([
      'GET /',
      'GET /client.js',
      'GET /openapi.json',
      'HEAD /',
      'HEAD /client.js',
      'HEAD /openapi.json',
      'POST /upload_image',
      'POST /uploads',
    ]);
    expect(routes).toEqual(expect.arrayContaining(throttled));
  });
});

describe('the sender of mails', () => {
  const existing = () => deploy({ email: { ...email, identity: 'existing' } }).service;

  const mayUse = (service: Template) => {
    const policies = resourcesOf(service, 'AWS::IAM::Policy');
    const statements = policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
    const [send] = statements.filter(({ Action }) => Action === 'ses:SendEmail');
    return [...JSON.stringify(send.Resource).matchAll(/:identity\/([^"]+)"/g)].map(([, name]) => name).sort();
  };

  test('is created by default, and outlives the stack, because a person confirmed it', () => {
    const sender = resources(withMail.service)[idOf(withMail.service, 'NotifySender')];
    expect(sender).toMatchObject({
      Type: 'AWS::SES::EmailIdentity',
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: { EmailIdentity: 'images@example.com' },
    });
    expect(mayUse(withMail.service)).toEqual(['example.com', 'images@example.com']);
  });

  test('is not created if it exists: notify uses the address or its domain, whichever SES has verified', () => {
    const service = existing();
    service.resourceCountIs('AWS::SES::EmailIdentity', 0);
    service.resourceCountIs('AWS::SES::ConfigurationSet', 1);
    expect(mayUse(service)).toEqual(['example.com', 'images@example.com']);
    const elsewhere = deploy({ email: { ...email, from: 'me@mail.example.org', identity: 'existing' } });
    expect(mayUse(elsewhere.service)).toEqual(['example.com', 'mail.example.org', 'me@mail.example.org']);
  });

  test('can be changed from one that is created to one that exists without losing it', () => {
    const kept = resources(withMail.service)[idOf(withMail.service, 'NotifySender')];
    expect(kept?.DeletionPolicy).not.toBe('Delete');
    const changed = resources(existing());
    const lost = Object.entries(resources(withMail.service))
      .filter(([logicalId]) => !(logicalId in changed))
      .map(([, { Type }]) => Type);
    expect(lost).toEqual(['AWS::SES::EmailIdentity']);
  });
});

describe('the data lake', () => {
  const exportsOf = (template: Template): string[] =>
    Object.values<{ Export?: { Name: string } }>(template.toJSON()['Outputs']).flatMap(({ Export }) =>
      Export ? [Export.Name] : [],
    );
  const importsOf = (template: Template): string[] =>
    [...JSON.stringify(template.toJSON()).matchAll(/\{"Fn::ImportValue":"([^"]+)"\}/g)].map(
      ([, name = '']) => name,
    );

  test('never goes deaf: CloudFormation refuses to replace a topic to which it listens', () => {
    const imported = new Set(importsOf(plain.lake));
    expect(imported.size).toBe(2);
    expect(new Set(exportsOf(plain.service))).toEqual(imported);
    expect(JSON.stringify(plain.lake.toJSON())).not.toContain('Fn::GetStackOutput');
  });

  test('can be turned off while it still imports the topics', () => {
    const withoutLake = Template.fromStack(appWith().stack);
    expect(exportsOf(withoutLake)).toEqual(exportsOf(plain.service));
  });

  test('subscribes after the role of the subscription may write to the stream', () => {
    const [subscription] = waitingFor(plain.lake, 'AWS::SNS::Subscription');
    expect(subscription?.dependsOn).toContain(
      idOf(plain.lake, 'DeliveryStreamTopicSubscriptionRoleDefaultPolicy'),
    );
  });
});

describe('an alarm over a metric that has never had data', () => {
  test('does not depend on what CloudWatch fills in, and neither does scaling', () => {
    const sleeping = deploy({ ...inContainers, fargate: { worker: { minTasks: 0 } } });
    const rules = [plain, withMail, containers, sleeping]
      .flatMap(({ service, lake }) => [resources(service), resources(lake)])
      .flatMap((each) => Object.values(each))
      .filter(({ Type }) =>
        ['AWS::CloudWatch::Alarm', 'AWS::ApplicationAutoScaling::ScalingPolicy'].includes(Type),
      );
    expect(rules.length).toBeGreaterThan(50);
    for (const rule of rules) expect(JSON.stringify(rule)).not.toContain('FILL');
  });

  test('starts the first worker without the number of workers, which ECS does not report while none runs', () => {
    const { service } = deploy({ ...inContainers, fargate: { worker: { minTasks: 0 } } });
    const [scaling, ...others] = resourcesOf(service, 'AWS::CloudWatch::Alarm').filter(({ name }) =>
      name.includes('FromZero'),
    );
    expect(others).toEqual([]);
    const metrics: readonly { Expression?: string; MetricStat?: { Metric: { MetricName: string } } }[] =
      scaling?.Metrics ?? [];
    expect(metrics.flatMap(({ Expression }) => Expression ?? [])).toEqual([
      'IF(taken + slowTaken > 0, 0, messages + slow)',
    ]);
    expect(new Set(metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.MetricName ?? []))).toEqual(
      new Set(['ApproximateNumberOfMessagesVisible', 'ApproximateNumberOfMessagesNotVisible']),
    );
  });
});

describe('the logs of a load balancer', () => {
  test('come from the principal of Elastic Load Balancing in old regions as in new ones', () => {
    const policies = resourcesOf(containers.service, 'AWS::S3::BucketPolicy');
    const writers = policies
      .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
      .filter(({ Resource }) => JSON.stringify(Resource).includes('/connections/AWSLogs/'))
      .map(({ Principal }) => Principal);
    expect(writers).toEqual([{ Service: 'logdelivery.elasticloadbalancing.amazonaws.com' }]);
    // The accounts that stood there before August 2022, one for each region.
    const account = RegionInfo.get('us-east-2').elbv2Account;
    expect(account).toMatch(/^\d{12}$/);
    expect(JSON.stringify(policies)).not.toContain(account);
  });
});

describe('the function that empties buckets on destroy', () => {
  test('gets through half a million objects without growing', async () => {
    const pages = 500;
    let listed = 0;
    let deleted = 0;
    const s3 = mockClient(S3Client).callsFake((input: { Delete?: { Objects: readonly unknown[] } }) => {
      if (input.Delete) {
        deleted += input.Delete.Objects.length;
        return {};
      }
      return { TagSet: [{ Key: 'aws-cdk:auto-delete-objects', Value: 'true' }] };
    });
    s3.on(ListObjectVersionsCommand).callsFake(() => {
      listed += 1;
      const Versions = Array.from({ length: 1000 }, (_, index) => ({
        Key: `raw/${index}`,
        VersionId: 'null',
      }));
      return { Versions, IsTruncated: listed < pages };
    });
    const { autoDeleteHandler } = jest.requireActual(
      resolve(
        'node_modules/aws-cdk-lib/custom-resource-handlers/dist/aws-s3/auto-delete-objects-handler/index.js',
      ),
    );
    await autoDeleteHandler({ RequestType: 'Delete', ResourceProperties: { BucketName: 'images' } });
    s3.restore();
    expect({ listed, deleted }).toEqual({ listed: pages, deleted: pages * 1000 });
  });
});

test('docs/operations.md has a row for each of these facts, with its source, and no other', () => {
  const [, facts = ''] =
    /\n## Facts about AWS\n(.*?)(?:\n## |$)/s.exec(readFileSync('docs/operations.md', 'utf8')) ?? [];
  const rows = [...facts.matchAll(/^\| (.+) \| .+ \| `([^`]+)` \|$/gm)];
  const held = readFileSync('test/lib/real-account.test.ts', 'utf8').matchAll(/^describe\('([^']+)'/gm);
  expect(new Set(rows.map(([, , name]) => name))).toEqual(new Set([...held].map(([, name]) => name)));
  // A page of AWS or an issue.
  for (const [, fact] of rows) expect(fact).toMatch(/\(.*(?:"[^"]+"|\w\/[\w-]+#\d+).*\)\./);
});
