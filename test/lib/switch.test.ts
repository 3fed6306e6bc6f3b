import type { Template } from 'aws-cdk-lib/assertions';
import { inContainers, templateWith } from './stacks.ts';

interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
}
type Resources = Readonly<Record<string, Resource>>;

/** Resources with contents that are not in the template. */
const stateful = [
  'AWS::S3::Bucket',
  'AWS::DynamoDB::Table',
  'AWS::SQS::Queue',
  'AWS::SNS::Topic',
  'AWS::SNS::Subscription',
  'AWS::Logs::LogGroup',
  'AWS::SES::EmailIdentity',
  'AWS::SES::ConfigurationSet',
];

const email = { from: 'images@example.com', allowedRecipients: ['example.com'] };
const alerts = { emails: ['ops@example.com'] };

const resourcesOf = (template: Template): Resources => template.toJSON()['Resources'];

const those = (resources: Resources, isMeant: (resource: Resource, logicalId: string) => boolean) =>
  Object.fromEntries(
    Object.entries(resources).filter(([logicalId, resource]) => isMeant(resource, logicalId)),
  );

let functions: Resources;
let containers: Resources;

beforeAll(() => {
  const domain = inContainers.domain;
  functions = resourcesOf(templateWith({ email, alerts, domain }));
  containers = resourcesOf(templateWith({ email, alerts, ...inContainers }));
});

const isStateful = ({ Type }: Resource): boolean => stateful.includes(Type);
const isApi = ({ Type }: Resource): boolean => Type.startsWith('AWS::ApiGatewayV2::');

/** CloudFormation leaves resources alone whose properties are all the same in both templates. */
test('a change from functions to containers touches no resource that holds data', () => {
  const kept = those(functions, isStateful);
  expect(Object.keys(kept).length).toBeGreaterThan(15);
  expect(containers).toMatchObject(kept);
  for (const [logicalId, resource] of Object.entries(kept)) expect(containers[logicalId]).toEqual(resource);
});

test('a change back touches none either, and retains the logs of containers', () => {
  const kept = those(containers, isStateful);
  const gone = Object.entries(kept).filter(([logicalId]) => functions[logicalId] === undefined);
  expect(gone.map(([logicalId, { DeletionPolicy }]) => [logicalId, DeletionPolicy])).toEqual([
    [expect.stringMatching(/^ContainersTrafficLogs[0-9A-F]{8}$/), 'Retain'],
  ]);
});

test('the API, its domain and its function are the same with functions and containers', () => {
  const api = those(functions, isApi);
  expect(Object.values(api).map(({ Type }) => Type)).toEqual(
    expect.arrayContaining(['AWS::ApiGatewayV2::DomainName', 'AWS::ApiGatewayV2::ApiMapping']),
  );
  expect(those(containers, isApi)).toEqual(api);
  const isIngest = ({ Type }: Resource, logicalId: string) =>
    Type.startsWith('AWS::Lambda::') && /^(?:Ingest|UploadApi)/.test(logicalId);
  const ingest = those(functions, isIngest);
  expect(Object.keys(ingest).length).toBeGreaterThan(5);
  expect(those(containers, isIngest)).toEqual(ingest);
});

test('only the resize functions are removed, with their roles and event sources', () => {
  const gone = Object.entries(functions)
    .filter(([logicalId, { Type }]) => !(logicalId in containers) && Type !== 'AWS::CloudWatch::Alarm')
    .map(([logicalId]) => logicalId.replace(/[0-9A-F]{8}$/, ''));
  expect(gone.sort()).toEqual([
    'ResizeEventSource',
    'ResizeFunction',
    'ResizeFunctionRole',
    'ResizeFunctionRoleDefaultPolicy',
    'ResizeSlowEventSource',
    'ResizeSlowFunction',
    'ResizeSlowFunctionRole',
    'ResizeSlowFunctionRoleDefaultPolicy',
  ]);
});

/** The upload page has another origin with a domain. */
const withoutCors = (resource: object | undefined) =>
  JSON.stringify(resource, (key, value) => (key === 'CorsConfiguration' ? undefined : value));

test('adding a domain changes nothing but the domain’s own resources and the links', () => {
  const without = resourcesOf(templateWith({ email, alerts }));
  for (const [logicalId, resource] of Object.entries(without)) {
    if (isStateful(resource) || isApi(resource))
      expect(withoutCors(functions[logicalId])).toEqual(withoutCors(resource));
  }
  const added = Object.keys(functions).filter((logicalId) => !(logicalId in without));
  expect(added.map((logicalId) => functions[logicalId]?.Type)).toEqual([
    'AWS::ApiGatewayV2::DomainName',
    'AWS::ApiGatewayV2::ApiMapping',
  ]);
});
