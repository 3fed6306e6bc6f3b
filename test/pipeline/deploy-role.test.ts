import { globSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';

const oneOrMore = <Schema extends z.ZodType>(schema: Schema) =>
  z.union([schema, z.array(schema)]).transform((given) => [given].flat());
const text = z.union([z.string(), z.object({ 'Fn::Sub': z.string() }).transform((sub) => sub['Fn::Sub'])]);

const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.literal('Allow'),
  Action: oneOrMore(z.string()),
  Resource: oneOrMore(text),
});
const roleSchema = z.strictObject({
  Type: z.literal('AWS::IAM::Role'),
  Properties: z.strictObject({
    Description: z.string(),
    MaxSessionDuration: z.literal(3600),
    AssumeRolePolicyDocument: z.object({
      Statement: z.array(
        z.strictObject({
          Effect: z.literal('Allow'),
          Action: z.literal('sts:AssumeRoleWithWebIdentity'),
          Principal: z.strictObject({ Federated: z.unknown() }),
          Condition: z.strictObject({ StringEquals: z.record(z.string(), text) }),
        }),
      ),
    }),
    Policies: z.array(z.object({ PolicyDocument: z.object({ Statement: z.array(statementSchema) }) })),
  }),
});
const templateSchema = z.object({
  Resources: z.object({
    OidcProvider: z.object({ Type: z.literal('AWS::IAM::OIDCProvider') }),
    DeployRole: roleSchema,
    DiffRole: roleSchema,
  }),
});

const { DeployRole, DiffRole } = templateSchema.parse(
  parse(readFileSync('.github/deploy-role.yml', 'utf8')),
).Resources;

const statementsOf = (role: z.output<typeof roleSchema>) =>
  role.Properties.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
const actionsOf = (role: z.output<typeof roleSchema>) =>
  new Set(statementsOf(role).flatMap(({ Action }) => Action));

/** The services whose names in IAM differ from those of their clients. */
const services: Readonly<Record<string, string>> = {
  'cloudwatch-logs': 'logs',
  'elastic-load-balancing-v2': 'elasticloadbalancing',
  eventbridge: 'events',
  'service-quotas': 'servicequotas',
  sesv2: 'ses',
};

/** The requests whose actions have other names (Service Authorization Reference). */
const otherNames: Readonly<Record<string, string>> = {
  'lambda:Invoke': 'lambda:InvokeFunction',
  's3:DeleteObjects': 's3:DeleteObject',
  's3:GetBucketCors': 's3:GetBucketCORS',
  's3:GetBucketEncryption': 's3:GetEncryptionConfiguration',
  's3:GetBucketNotificationConfiguration': 's3:GetBucketNotification',
  's3:GetPublicAccessBlock': 's3:GetBucketPublicAccessBlock',
  's3:HeadBucket': 's3:ListBucket',
  's3:HeadObject': 's3:GetObject',
  's3:ListObjectVersions': 's3:ListBucketVersions',
  's3:ListObjectsV2': 's3:ListBucket',
};

/** Requests for which the role needs nothing. */
const ungranted: readonly RegExp[] = [
  // Everyone may ask who they are.
  /^sts:GetCallerIdentity$/,
  // The pipeline makes only quick checks: no query of the data lake, and no drill of an alarm.
  /^athena:(?:StartQueryExecution|StopQueryExecution|GetQueryExecution|GetQueryResults)$/,
  /^cloudwatch:(?:DeleteAlarms|PutMetricAlarm|SetAlarmState)$/,
  /^sns:(?:Subscribe|Unsubscribe)$/,
  /^sqs:(?:CreateQueue|DeleteQueue|GetQueueUrl|ReceiveMessage|SetQueueAttributes)$/,
];

const actionOf = (client: string, request: string): string => {
  if (client === 'apigatewayv2') return 'apigateway:GET';
  const name = `${services[client] ?? client}:${request}`;
  return otherNames[name] ?? name;
};

/** The actions that the code of the pipeline's commands calls, by its imports from the AWS SDK. */
const calledActions = (): readonly string[] => {
  const commands = '{preflight,stateful-changes,verify}';
  const files = globSync([`bin/${commands}.ts`, `bin/commands/${commands}/**/*.ts`]);
  return files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/import \{([^}]*)\} from '@aws-sdk\/client-([\w-]+)'/g)].flatMap(
      ([, names = '', client = '']) =>
        names.split(',').flatMap((name) => {
          const [, command, page] = /^(?:(\w+)Command|paginate(\w+))$/.exec(name.trim()) ?? [];
          const request = command ?? page;
          return request === undefined ? [] : [actionOf(client, request)];
        }),
    ),
  );
};

describe.each([
  ['The deploying role', DeployRole, `repo:\${Repository}:environment:\${Environment}`],
  ['The comparing role', DiffRole, `repo:\${Repository}:pull_request`],
])('%s', (_, role, subject) => {
  test('trusts one repository alone, and one kind of its runs', () => {
    const { Statement } = role.Properties.AssumeRolePolicyDocument;
    expect(Statement.map(({ Condition }) => Condition)).toEqual([
      {
        StringEquals: {
          'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
          'token.actions.githubusercontent.com:sub': subject,
        },
      },
    ]);
  });

  test('names each action, and no more resources than it must', () => {
    for (const { Action, Resource } of statementsOf(role)) {
      expect(Action.filter((action) => action.includes('*'))).toEqual([]);
      if (Resource.includes('*')) {
        for (const action of Action) expect(action).toMatch(/:(?:Get|List|Describe)/);
      }
    }
  });

  test('cannot change permissions, stacks or functions', () => {
    for (const action of actionsOf(role)) {
      expect(action).not.toMatch(
        /^(?:iam|cloudformation|lambda|apigateway):(?!Get|Describe|List|GET|Invoke)/,
      );
    }
  });
});

describe('The deploying role', () => {
  test('acts as the roles of cdk bootstrap that deploy and publish, and as no other', () => {
    const assumed = statementsOf(DeployRole).filter(({ Action }) => Action.includes('sts:AssumeRole'));
    expect(assumed.map(({ Action }) => Action)).toEqual([['sts:AssumeRole']]);
    const names = assumed.flatMap(({ Resource }) => Resource.map((arn) => arn.split(':role/')[1]));
    const end = `role-\${AWS::AccountId}-\${AWS::Region}`;
    expect(names).toEqual(
      ['deploy', 'file-publishing', 'image-publishing'].map(
        (name) => `cdk-\${BootstrapQualifier}-${name}-${end}`,
      ),
    );
  });

  test('may do what the preflight, the gate and the verification do', () => {
    const called = calledActions().filter((action) => !ungranted.some((each) => each.test(action)));
    expect(called).toContain('cloudformation:GetTemplate');
    expect([...actionsOf(DeployRole)]).toEqual(expect.arrayContaining(called));
  });

  test('changes only objects and items of the stack, by itself', () => {
    const changes = statementsOf(DeployRole).filter(({ Action }) =>
      Action.some((action) => !/:(?:Get|List|Describe|Query|Filter|AssumeRole$)|:GET$/.test(action)),
    );
    expect(changes.map(({ Sid }) => Sid)).toEqual([
      'AskTheReconcilerWhatItWouldDo',
      'UploadWhereTheApiAsksForAwsCredentials',
      'RemoveTheImagesThatItUploads',
    ]);
  });
});

test('The comparing role reads templates and nothing else', () => {
  expect([...actionsOf(DiffRole)]).toEqual(['cloudformation:DescribeStacks', 'cloudformation:GetTemplate']);
  for (const { Resource } of statementsOf(DiffRole)) {
    expect(Resource).toEqual([expect.stringMatching(/:stack\/\$\{StackName\}\*\/\*$/)]);
  }
});
