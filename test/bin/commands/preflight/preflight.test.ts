import { Template } from 'aws-cdk-lib/assertions';
import * as z from 'zod';
import type { Account } from '../../../../bin/commands/preflight/account.ts';
import type { Check, Deployment } from '../../../../bin/commands/preflight/checks.ts';
import { checks } from '../../../../bin/commands/preflight/checks.ts';
import { fails, ok, surprise, unknown } from '../../../../bin/commands/preflight/outcome.ts';
import { asJson, asTable } from '../../../../bin/commands/preflight/output.ts';
import { exitCodeOf, type Finding, makeChecks } from '../../../../bin/commands/preflight/preflight.ts';
import { DataLakeStack } from '../../../../lib/lake/data-lake-stack.ts';
import { readSettings } from '../../../../lib/settings.ts';
import { appWith, inContainers, resourcesOf } from '../../../lib/stacks.ts';

const caller = { account: '111122223333', region: 'us-east-2', arn: 'arn:aws:iam::111122223333:user/me' };

/** An account in which nothing stands in the way, and in which nothing is deployed. */
const emptyAccount: Account = {
  stackStatus: async () => undefined,
  stackResources: async () => undefined,
  bootstrapVersion: async () => 21,
  concurrency: async () => ({ limit: 1000, unreserved: 1000 }),
  largestFunctionMiB: async () => 0,
  fargateQuota: async () => 500,
  hasRole: async () => true,
  hasDashboard: async () => false,
  hasLogGroup: async () => false,
  hasWorkGroup: async () => false,
  hasApiDomain: async () => false,
  logResourcePolicies: async () => [],
  certificate: async () => ({
    status: 'ISSUED',
    names: ['images.example.com'],
    expiresAt: undefined,
    isRenewed: true,
  }),
  mailAccount: async () => ({ mayMailAnyone: true, maySend: true }),
  mailIdentity: async () => ({ isVerified: true }),
};

const deployment = (context: object = {}, account: Partial<Account> = {}): Deployment => ({
  settings: readSettings({ ...context }),
  caller,
  account: { ...emptyAccount, ...account },
  bootstrapQualifier: 'hnb659fds',
  readDocker: async () => ({ command: 'docker', state: 'running', platforms: ['linux/arm64'] }),
  now: new Date('2026-11-29T00:00:00Z'),
});

const email = { from: 'me@example.com', allowedRecipients: ['example.com', 'me@example.org'] };
const everything = { ...inContainers, email, dataLake: true };

const findingOf = async (name: string, given: Deployment): Promise<Finding | undefined> =>
  (await makeChecks(checks, given)).find(({ check }) => check === name);

test('makes only the checks that concern the settings', async () => {
  const namesOf = async (context: object) =>
    (await makeChecks(checks, deployment(context))).map(({ check }) => check);
  const common = ['bootstrap', 'stack', 'concurrency', 'dashboard-name', 'access-log-name', 'log-delivery'];
  expect((await namesOf({})).sort()).toEqual([...common, 'function-memory'].sort());
  expect((await namesOf({ email })).sort()).toEqual(
    [...common, 'function-memory', 'mail-sender', 'mail-sandbox'].sort(),
  );
  expect((await namesOf({ dataLake: true })).sort()).toEqual(
    [...common, 'function-memory', 'data-lake-stack', 'work-group-name'].sort(),
  );
  expect((await namesOf(inContainers)).sort()).toEqual(
    [...common, 'certificate', 'domain-name', 'ecs-role', 'fargate-vcpus', 'docker'].sort(),
  );
});

test('finds nothing in an account that is ready', async () => {
  const findings = await makeChecks(checks, deployment(everything, { mailIdentity: async () => undefined }));
  expect(findings.filter(({ result }) => result !== 'ok').map(({ check }) => check)).toEqual(['mail-sender']);
  expect(exitCodeOf(findings)).toBe(0);
});

test.each([
  [
    'dashboard-name',
    { hasDashboard: async () => true },
    'AWS::CloudWatch::Dashboard',
    'ThumbnailGenerator-us-east-2',
  ],
  [
    'access-log-name',
    { hasLogGroup: async () => true },
    'AWS::Logs::LogGroup',
    '/aws/vendedlogs/ThumbnailGenerator/api-access',
  ],
  [
    'work-group-name',
    { hasWorkGroup: async () => true },
    'AWS::Athena::WorkGroup',
    'ThumbnailGeneratorDataLake',
  ],
  ['domain-name', { hasApiDomain: async () => true }, 'AWS::ApiGatewayV2::DomainName', 'images.example.com'],
  ['mail-sender', {}, 'AWS::SES::EmailIdentity', 'me@example.com'],
])(
  '%s fails for a name that others have, and holds for that of the stack',
  async (check, given, type, name) => {
    const others = await findingOf(check, deployment(everything, given));
    expect(others).toMatchObject({ result: 'fails', finding: expect.stringContaining(name) });
    const stackResources = async () => [{ type, name }];
    expect(await findingOf(check, deployment(everything, { ...given, stackResources }))).toMatchObject({
      result: 'ok',
    });
  },
);

test('takes a sender that SES has verified, if it is not to be created', async () => {
  const existing = { email: { ...email, identity: 'existing' } };
  expect(await findingOf('mail-sender', deployment(existing))).toMatchObject({ result: 'ok' });
  const mailIdentity = async () => undefined;
  expect(await findingOf('mail-sender', deployment(existing, { mailIdentity }))).toMatchObject({
    result: 'surprise',
    finding: expect.stringContaining('neither me@example.com nor its domain'),
  });
});

test('looks for the names that the templates have', async () => {
  // GIVEN an account that remembers what it was asked for, and the templates
  const asked: string[] = [];
  const isFree = async (name: string) => {
    asked.push(name);
    return false;
  };
  const remembering = {
    hasDashboard: isFree,
    hasLogGroup: isFree,
    hasWorkGroup: isFree,
    hasApiDomain: isFree,
  };
  const { app, settings, stack } = appWith(everything);
  const { imageEvents, alerts } = stack;
  const lake = new DataLakeStack(app, `${settings.stackName}DataLake`, { settings, imageEvents, alerts });

  // WHEN
  await makeChecks(checks, deployment(everything, remembering));

  // THEN
  const nameProperties = {
    'AWS::CloudWatch::Dashboard': 'DashboardName',
    'AWS::Logs::LogGroup': 'LogGroupName',
    'AWS::Athena::WorkGroup': 'Name',
    'AWS::ApiGatewayV2::DomainName': 'DomainName',
  };
  const templates = [stack, lake].map((each) => Template.fromStack(each));
  const fixed = Object.entries(nameProperties).flatMap(([type, property]) =>
    templates.flatMap((template) =>
      resourcesOf(template, type)
        .map((resource) => textOf(Reflect.get(resource, property)))
        .filter((name) => name !== undefined),
    ),
  );
  expect(fixed).toHaveLength(4);
  expect(asked.sort()).toEqual(fixed.sort());
});

/** A name in a template, for the region of the caller; undefined if CloudFormation chooses it. */
const textOf = (value: unknown): string | undefined => {
  if (value === undefined || typeof value === 'string') return value;
  const { 'Fn::Join': join } = z
    .strictObject({
      'Fn::Join': z.tuple([
        z.literal(''),
        z.array(z.union([z.string(), z.object({ Ref: z.literal('AWS::Region') })])),
      ]),
    })
    .parse(value);
  return join[1].map((part) => (typeof part === 'string' ? part : caller.region)).join('');
};

test('reads the memory of existing functions only where it matters', async () => {
  const largestFunctionMiB = jest.fn(async () => 10_240);
  const memoryWith = (decodeMemoryMiB: number) =>
    findingOf('function-memory', deployment({ decodeMemoryMiB }, { largestFunctionMiB }));
  expect(await memoryWith(1280)).toMatchObject({ result: 'ok' });
  expect(largestFunctionMiB).not.toHaveBeenCalled();
  expect(await memoryWith(4000)).toMatchObject({ result: 'ok', finding: expect.stringContaining('10240') });
  expect(largestFunctionMiB).toHaveBeenCalledTimes(1);
});

test('asks SES about recipients only in its sandbox', async () => {
  const mailIdentity = jest.fn(async (name: string) => ({ isVerified: name === 'example.com' }));
  const sandbox = (mayMailAnyone: boolean) =>
    findingOf(
      'mail-sandbox',
      deployment({ email }, { mailIdentity, mailAccount: async () => ({ mayMailAnyone, maySend: true }) }),
    );
  expect(await sandbox(true)).toMatchObject({ result: 'ok' });
  expect(mailIdentity).not.toHaveBeenCalledWith('me@example.org');
  expect(await sandbox(false)).toMatchObject({
    result: 'surprise',
    finding: expect.stringContaining('Not verified: me@example.org.'),
  });
});

test('does not read a certificate of another region', async () => {
  const certificate = jest.fn(emptyAccount.certificate);
  const elsewhere = {
    ...deployment(inContainers, { certificate }),
    caller: { ...caller, region: 'eu-west-1' },
  };
  expect(await findingOf('certificate', elsewhere)).toMatchObject({ result: 'fails' });
  expect(certificate).not.toHaveBeenCalled();
});

describe('What could not be read', () => {
  const refusal = (message: string) => Object.assign(new Error(message), { name: 'AccessDeniedException' });

  test('is unknown, with the action that AWS names or all that the check needs', async () => {
    const denied = (message: string) =>
      findingOf('concurrency', deployment({}, { concurrency: () => Promise.reject(refusal(message)) }));
    expect(await denied('User: x is not authorized to perform: lambda:GetAccountSettings')).toEqual({
      check: 'concurrency',
      result: 'unknown',
      finding: 'These credentials may not use lambda:GetAccountSettings.',
      advice: 'Allow lambda:GetAccountSettings for these credentials, or look yourself.',
      deniedActions: ['lambda:GetAccountSettings'],
    });
    expect(await denied('No')).toMatchObject({
      result: 'unknown',
      deniedActions: ['lambda:GetAccountSettings', 'cloudformation:DescribeStacks'],
    });
  });

  test('does not keep other checks from being made', async () => {
    const unreachable = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const findings = await makeChecks(
      checks,
      deployment({}, { bootstrapVersion: () => Promise.reject(unreachable) }),
    );
    expect(findings.filter(({ result }) => result === 'unknown')).toEqual([
      {
        check: 'bootstrap',
        result: 'unknown',
        finding: 'AWS does not answer (ECONNREFUSED). Check the network and its proxy.',
      },
    ]);
    expect(exitCodeOf(findings)).toBe(2);
  });
});

describe('A report', () => {
  const finding = (check: string, outcome: ReturnType<typeof ok>): Finding => ({ check, ...outcome });
  const findings = [
    finding('bootstrap', ok('Version 21.')),
    finding('stack', fails('It is stuck.', 'Free it.')),
    finding(
      'mail-sandbox',
      surprise(`A long text ${'with many words '.repeat(12).trim()}.`, 'Ask for more.'),
    ),
    finding('ecs-role', unknown('Nobody knows.')),
  ];
  const report = { stackName: 'Mine', caller, findings };

  test('is a table of at most 110 columns', () => {
    const lines = asTable(report).split('\n');
    expect(lines[0]).toBe(
      'Mine in account 111122223333, region us-east-2, as arn:aws:iam::111122223333:user/me',
    );
    expect(lines).toContain('ok        bootstrap     Version 21.');
    expect(lines).toContain('FAILS     stack         It is stuck.');
    expect(lines).toContain('                        -> Free it.');
    expect(lines).toContain('unknown   ecs-role      Nobody knows.');
    expect(lines.filter((line) => line.includes('with many words')).length).toBeGreaterThan(1);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(110);
    expect(lines).toContain('A deployment would fail: 1 of 4 checks (1 ok, 1 surprising, 1 unknown).');
  });

  test('fits a narrow terminal', () => {
    const widths = asTable({ ...report, findings: findings.slice(1) }, 70)
      .split('\n')
      .slice(1, -2)
      .map(({ length }) => length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(70);
  });

  test('is JSON for programs', () => {
    expect(JSON.parse(asJson(report))).toEqual({ stackName: 'Mine', ...caller, checks: findings });
  });

  test.each<[string, readonly Finding[], number]>([
    ['something fails', findings, 1],
    ['something is unknown, and nothing fails', findings.filter(({ result }) => result !== 'fails'), 2],
    ['there are only surprises', findings.filter(({ result }) => /ok|surprise/.test(result)), 0],
  ])('ends the command accordingly if %s', (_, given, code) => {
    expect(exitCodeOf(given)).toBe(code);
  });
});

test('each check names what it needs from IAM, once, and how it is documented', () => {
  const names = checks.map(({ name }: Check) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, actions, description } of checks) {
    expect({ name, needsNothing: actions.length === 0 }).toEqual({ name, needsNothing: name === 'docker' });
    expect(description).toMatch(/^[A-Z`].*[^.]$/);
    for (const action of actions) expect(action).toMatch(/^[a-z]+:[A-Z]\w+$/);
  }
});
