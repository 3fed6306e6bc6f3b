import {
  judgeBootstrap,
  requiredBootstrapVersion,
} from '../../../../bin/commands/preflight/checks/bootstrap.ts';
import { type Certificate, judgeCertificate } from '../../../../bin/commands/preflight/checks/certificate.ts';
import { judgeConcurrency } from '../../../../bin/commands/preflight/checks/concurrency.ts';
import { judgeDocker } from '../../../../bin/commands/preflight/checks/docker.ts';
import { judgeEcsRole } from '../../../../bin/commands/preflight/checks/ecs-role.ts';
import {
  judgeFargateVcpus,
  vcpuQuotas,
  wantedVcpus,
} from '../../../../bin/commands/preflight/checks/fargate-vcpus.ts';
import { judgeFunctionMemory } from '../../../../bin/commands/preflight/checks/function-memory.ts';
import { judgeLogDelivery } from '../../../../bin/commands/preflight/checks/log-delivery.ts';
import { judgeMailSandbox } from '../../../../bin/commands/preflight/checks/mail-sandbox.ts';
import { judgeMailSender } from '../../../../bin/commands/preflight/checks/mail-sender.ts';
import { judgeName } from '../../../../bin/commands/preflight/checks/name.ts';
import { judgeStack } from '../../../../bin/commands/preflight/checks/stack.ts';
import { readSettings } from '../../../../lib/settings.ts';
import { appWith, inContainers } from '../../../lib/stacks.ts';

const account = '111122223333';
const region = 'us-east-2';

describe('The bootstrap', () => {
  const judge = (version: number | undefined) => judgeBootstrap({ version, account, region });

  test('must have the version that CDK requires of the stacks', () => {
    const { app, settings } = appWith(inContainers);
    const { requiresBootstrapStackVersion } = app.synth().getStackByName(settings.stackName);
    expect(requiredBootstrapVersion).toBe(requiresBootstrapStackVersion);
  });

  test('holds from the version that the app needs', () => {
    expect(judge(requiredBootstrapVersion)).toMatchObject({ result: 'ok' });
  });

  test.each([undefined, requiredBootstrapVersion - 1])(
    'fails with version %s, and says what to run',
    (version) => {
      expect(judge(version)).toMatchObject({
        result: 'fails',
        advice: 'Run npx cdk bootstrap aws://111122223333/us-east-2',
      });
    },
  );
});

describe('The stack', () => {
  test.each([
    [undefined, 'ok'],
    ['CREATE_COMPLETE', 'ok'],
    ['UPDATE_ROLLBACK_COMPLETE', 'ok'],
    ['REVIEW_IN_PROGRESS', 'ok'],
    ['ROLLBACK_COMPLETE', 'surprise'],
    ['ROLLBACK_FAILED', 'surprise'],
    ['UPDATE_IN_PROGRESS', 'fails'],
    ['DELETE_IN_PROGRESS', 'fails'],
    ['DELETE_FAILED', 'fails'],
    ['UPDATE_ROLLBACK_FAILED', 'fails'],
  ])('in state %s: %s', (status, result) => {
    expect(judgeStack({ stackName: 'Mine', status })).toMatchObject({
      result,
      finding: expect.stringContaining(status ?? 'first deployment'),
    });
  });
});

describe('The concurrency', () => {
  const settings = readSettings({
    resizeMaxConcurrency: 20,
    slowResizeMaxConcurrency: 4,
    maxWaitingCallers: 10,
  });
  const judge = (
    limit: number,
    unreserved: number,
    given: Partial<typeof settings> = {},
    isFirstDeployment = true,
  ) => judgeConcurrency({ limit, unreserved, isFirstDeployment, settings: { ...settings, ...given } });

  test('holds while functions for requests are left', () => {
    expect(judge(1000, 1000)).toMatchObject({ result: 'ok' });
    expect(judge(1000, 37)).toMatchObject({ result: 'ok' });
  });

  test('surprises in a new account, and where others have reserved the rest', () => {
    expect(judge(10, 10)).toMatchObject({
      result: 'surprise',
      finding: expect.stringContaining('up to 10 functions at a time, 10 of them unreserved'),
      advice: expect.stringContaining('lower resizeMaxConcurrency (20), slowResizeMaxConcurrency (4)'),
    });
    expect(judge(1000, 36)).toMatchObject({ result: 'surprise' });
  });

  test('does not matter for containers', () => {
    expect(judge(10, 10, { compute: 'fargate' })).toMatchObject({ result: 'ok' });
  });

  test('fails if Lambda refuses the reservation', () => {
    expect(judge(1000, 1000, { ingestMaxConcurrency: 900 })).toMatchObject({ result: 'ok' });
    expect(judge(1000, 1000, { ingestMaxConcurrency: 901 })).toMatchObject({ result: 'fails' });
    // An account with less than that cannot reserve anything.
    expect(judge(10, 10, { ingestMaxConcurrency: 1 })).toMatchObject({
      result: 'fails',
      finding: '1 cannot be reserved (ingestMaxConcurrency) of 10: Lambda keeps 10 unreserved.',
    });
  });

  test('does not count the reservation of an earlier deployment twice', () => {
    const given = { ingestMaxConcurrency: 800 };
    expect(judge(1000, 200, given, true)).toMatchObject({ result: 'fails' });
    expect(judge(1000, 200, given, false)).toMatchObject({ result: 'ok' });
  });
});

describe('The memory of functions', () => {
  test('holds up to what every account allows, or where there is a larger function', () => {
    expect(judgeFunctionMemory({ wantedMiB: 3008, largestExistingMiB: undefined })).toMatchObject({
      result: 'ok',
    });
    expect(judgeFunctionMemory({ wantedMiB: 3009, largestExistingMiB: 10_240 })).toMatchObject({
      result: 'ok',
    });
  });

  test('may surprise above that', () => {
    expect(judgeFunctionMemory({ wantedMiB: 3009, largestExistingMiB: 3008 })).toMatchObject({
      result: 'surprise',
      advice: expect.stringContaining('decodeMemoryMiB'),
    });
  });
});

describe('A name', () => {
  const facts = { kind: 'dashboard', name: 'Mine-us-east-2', advice: 'Delete it.' };

  test.each([
    [false, false, 'ok'],
    [true, true, 'ok'],
    [true, false, 'fails'],
  ])('that is taken (%s), by the stack itself (%s): %s', (exists, isOwn, result) => {
    expect(judgeName({ ...facts, exists, isOwn })).toMatchObject({
      result,
      finding: expect.stringContaining('Mine-us-east-2'),
    });
  });
});

describe('The delivery of logs', () => {
  const policy = (characters: number, beginning = '') => ({
    name: 'AWSLogDeliveryWrite20150319',
    document: beginning.padEnd(characters, 'x'),
  });
  const others = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `other-${index}`, document: 'x'.repeat(5120) }));

  test('holds without a policy, with a short one, and with one for all such logs', () => {
    expect(judgeLogDelivery({ policies: [] })).toMatchObject({ result: 'ok' });
    expect(judgeLogDelivery({ policies: others(9) })).toMatchObject({ result: 'ok' });
    expect(judgeLogDelivery({ policies: [...others(9), policy(4900)] })).toMatchObject({ result: 'ok' });
    const all = policy(5120, 'arn:aws:logs:us-east-2:111122223333:log-group:/aws/vendedlogs/*:log-stream:*');
    expect(judgeLogDelivery({ policies: [all] })).toMatchObject({ result: 'ok' });
  });

  test('surprises once the policy is nearly full', () => {
    expect(judgeLogDelivery({ policies: [policy(4921)] })).toMatchObject({
      result: 'surprise',
      finding: expect.stringContaining('4921 of 5120 characters'),
    });
  });

  test('fails without a policy where there may be no other', () => {
    expect(judgeLogDelivery({ policies: others(10) })).toMatchObject({ result: 'fails' });
  });
});

describe('The certificate', () => {
  const now = new Date('2026-11-29T00:00:00Z');
  const { domain } = inContainers;
  const issued: Certificate = {
    status: 'ISSUED',
    names: ['images.example.com'],
    expiresAt: new Date('2027-06-01T00:00:00Z'),
    isRenewed: true,
  };
  const judge = (certificate: Partial<Certificate> | undefined, where: object = {}) =>
    judgeCertificate({
      domain,
      account,
      region,
      now,
      ...where,
      certificate: certificate && { ...issued, ...certificate },
    });

  test('holds for its own name, and for a wildcard', () => {
    expect(judge({})).toMatchObject({ result: 'ok' });
    expect(judge({ names: ['example.com', '*.example.com'] })).toMatchObject({ result: 'ok' });
  });

  test.each([
    ['is in another region', {}, { region: 'eu-west-1' }, 'in us-east-2, and the stack in eu-west-1'],
    ['is in another account', {}, { account: '999999999999' }, 'belongs to account 111122223333'],
    ['does not exist', undefined, {}, 'There is no certificate arn:'],
    ['is not validated', { status: 'PENDING_VALIDATION' }, {}, 'PENDING_VALIDATION'],
    ['was revoked', { status: 'REVOKED' }, {}, 'REVOKED'],
    [
      'is for other names',
      { names: ['example.com', '*.images.example.com'] },
      {},
      'not for images.example.com',
    ],
  ])('fails if it %s', (_, certificate, where, finding) => {
    expect(judge(certificate, where)).toMatchObject({
      result: 'fails',
      finding: expect.stringContaining(finding),
      advice: expect.stringMatching(/\.$/),
    });
  });

  test('surprises shortly before it expires, unless ACM renews it', () => {
    const expiresAt = new Date('2027-01-01T00:00:00Z');
    expect(judge({ expiresAt })).toMatchObject({ result: 'ok' });
    expect(judge({ expiresAt, isRenewed: false })).toMatchObject({
      result: 'surprise',
      finding: expect.stringContaining('valid until 2027-01-01'),
    });
  });
});

describe('The sender of mails', () => {
  const verified = { isVerified: true };
  const unverified = { isVerified: false };
  const facts = { from: 'me@example.com', address: undefined, domain: undefined, isOwn: false } as const;

  test.each([
    ['is created, and must be confirmed', {}, 'surprise'],
    ['belongs to the stack', { address: verified, isOwn: true }, 'ok'],
    ['belongs to the stack, and was never confirmed', { address: unverified, isOwn: true }, 'surprise'],
    ['is there already', { address: verified }, 'fails'],
  ])('that %s', (_, given, result) => {
    expect(judgeMailSender({ ...facts, identity: 'create', ...given })).toMatchObject({ result });
  });

  test.each([
    ['that SES has verified', { address: verified }, 'ok'],
    ['whose domain SES has verified', { domain: verified }, 'ok'],
    ['that SES does not know', {}, 'surprise'],
    ['that is not verified', { address: unverified, domain: verified }, 'surprise'],
  ])('of others, %s', (_, given, result) => {
    expect(judgeMailSender({ ...facts, identity: 'existing', ...given })).toMatchObject({ result });
  });
});

describe('The sandbox of SES', () => {
  const facts = { mayMailAnyone: false, maySend: true, unverifiedRecipients: [] };

  test('does not matter out of it, or where all recipients are verified', () => {
    expect(judgeMailSandbox({ ...facts, mayMailAnyone: true })).toMatchObject({ result: 'ok' });
    expect(judgeMailSandbox(facts)).toMatchObject({ result: 'ok' });
  });

  test('names the recipients that get nothing', () => {
    expect(
      judgeMailSandbox({ ...facts, unverifiedRecipients: ['example.com', 'me@example.org'] }),
    ).toMatchObject({
      result: 'surprise',
      finding: expect.stringContaining('Not verified: example.com, me@example.org.'),
    });
  });

  test('reports an account that may not send', () => {
    expect(judgeMailSandbox({ ...facts, mayMailAnyone: true, maySend: false })).toMatchObject({
      result: 'surprise',
      finding: expect.stringContaining('stopped all mail'),
    });
  });
});

test('The role of ECS surprises where there is none, with the command that creates it', () => {
  expect(judgeEcsRole({ exists: true })).toMatchObject({ result: 'ok' });
  expect(judgeEcsRole({ exists: false })).toMatchObject({
    result: 'surprise',
    advice: expect.stringContaining(
      'aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com',
    ),
  });
});

describe('The vCPUs of Fargate', () => {
  const { fargate } = readSettings(inContainers);

  test('are counted for on-demand and Spot tasks apart', () => {
    const given = {
      ...fargate,
      ingest: { ...fargate.ingest, minTasks: 2, maxTasks: 10, vcpus: 1 },
      worker: { ...fargate.worker, minTasks: 1, maxTasks: 21, vcpus: 2, spot: true },
    };
    // One worker and a fifth of the other twenty are on demand.
    expect(wantedVcpus(given, 'FARGATE')).toEqual({ leastWanted: 4, mostWanted: 20 });
    expect(wantedVcpus(given, 'FARGATE_SPOT')).toEqual({ leastWanted: 0, mostWanted: 32 });
    const onDemand = { ...given, worker: { ...given.worker, spot: false } };
    expect(wantedVcpus(onDemand, 'FARGATE')).toEqual({ leastWanted: 4, mostWanted: 52 });
    expect(wantedVcpus(onDemand, 'FARGATE_SPOT')).toEqual({ leastWanted: 0, mostWanted: 0 });
  });

  test.each([
    [52, 'ok'],
    [51, 'surprise'],
    [4, 'surprise'],
    [3, 'fails'],
  ])('of which the account has %d: %s', (vcpus, result) => {
    const quota = { ...vcpuQuotas.FARGATE, vcpus, leastWanted: 4, mostWanted: 52 };
    const enough = { ...vcpuQuotas.FARGATE_SPOT, vcpus: 500, leastWanted: 0, mostWanted: 32 };
    expect(judgeFargateVcpus([quota, enough])).toMatchObject({
      result,
      finding: expect.stringContaining(`${vcpus} vCPUs, and the settings use 4 to 52`),
      ...(result === 'ok' ? {} : { advice: expect.stringContaining('(L-3032A538)') }),
    });
  });
});

describe('Docker', () => {
  const running = { command: 'docker', state: 'running', platforms: ['linux/amd64', 'linux/arm64'] } as const;

  test('holds if it builds for arm64', () => {
    expect(judgeDocker(running)).toMatchObject({ result: 'ok' });
  });

  test.each([
    ['is missing', { state: 'missing' }, 'fails', 'There is no docker'],
    ['does not run', { state: 'stopped', message: 'Cannot connect' }, 'fails', '(Cannot connect)'],
    ['has no emulation', { platforms: ['linux/amd64'] }, 'fails', 'linux/amd64 only'],
    ['does not tell', { platforms: undefined }, 'unknown', 'does not tell'],
  ] as const)('that %s', (_, given, result, finding) => {
    expect(judgeDocker({ ...running, ...given })).toMatchObject({
      result,
      finding: expect.stringContaining(finding),
    });
  });
});
