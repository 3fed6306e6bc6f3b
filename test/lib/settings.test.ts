import { documentationOf } from '../../lib/setting.ts';
import { readSettings, settingsSchema } from '../../lib/settings.ts';
import { inContainers } from './stacks.ts';

test('have defaults', () => {
  expect(readSettings({})).toEqual({
    stackName: 'ThumbnailGenerator',
    stage: 'dev',
    variants: [
      {
        name: 'thumbnail',
        width: 320,
        height: 320,
        fit: 'inside',
        format: 'webp',
        quality: 80,
        animation: 'first',
      },
    ],
    maxInlineBytes: 4_700_000,
    maxUploadBytes: 100_000_000,
    maxSidePixels: 16_384,
    maxPixels: 100_000_000,
    maxFrames: 2000,
    maxAnimationPixels: 1_000_000_000,
    damaged: 'render',
    heic: true,
    decodeTimeoutSeconds: 20,
    decodeMemoryMiB: 1280,
    urlLifetimeSeconds: 3600,
    auth: 'none',
    corsOrigins: [],
    uploadPage: null,
    links: 'public',
    uploadsPerSecond: 10,
    uploadBurst: 50,
    maxUploadsPerDay: 100_000,
    maxUploadBytesPerDay: 200_000_000_000,
    maxWaitingCallers: 2,
    requestsPerSecond: 50,
    requestBurst: 100,
    ingestMaxConcurrency: null,
    resizeMaxConcurrency: 3,
    slowResizeMaxConcurrency: 2,
    deletedDays: 30,
    logRetentionDays: 30,
    email: null,
    alerts: { emails: [], uploadToReadyGoalSeconds: 10, usualImagesPerHour: 1000 },
    dataLake: false,
    compute: 'lambda',
    domain: null,
    fargate: {
      ingest: { minTasks: 2, maxTasks: 10, vcpus: 1, memoryMiB: 2048 },
      worker: { minTasks: 1, maxTasks: 20, vcpus: 2, memoryMiB: 4096, spot: true },
      natGateway: false,
      availabilityZones: null,
      maxInlineBytes: 32_000_000,
    },
    imagesOnDestroy: 'keep',
    account: null,
    region: null,
    tags: {},
    budget: null,
    acknowledgedWarnings: [],
    retention: { originalDays: null, imageDays: null, failedDays: null },
    versioning: false,
  });
});

test('are read from cdk.json as values and from -c as text', () => {
  const variants = [{ name: 'small', width: 100, format: 'jpeg' }];
  const email = { from: 'images@example.com', allowedRecipients: ['Example.com', 'Me@Example.org'] };
  const alerts = { emails: ['ops@example.com'], usualImagesPerHour: 20 };
  const values = readSettings({ variants, email, alerts, urlLifetimeSeconds: 600, stage: '1' });
  const text = readSettings({
    variants: JSON.stringify(variants),
    email: JSON.stringify(email),
    alerts: JSON.stringify(alerts),
    urlLifetimeSeconds: '600',
    stage: '1',
  });
  expect(values).toEqual(text);
  expect(values).toMatchObject({
    urlLifetimeSeconds: 600,
    stage: '1',
    variants: [{ name: 'small', width: 100 }],
    email: {
      from: 'images@example.com',
      identity: 'create',
      allowedRecipients: ['example.com', 'Me@example.org'],
    },
    alerts: { emails: ['ops@example.com'], uploadToReadyGoalSeconds: 10, usualImagesPerHour: 20 },
  });
  expect(readSettings({ email: 'null' }).email).toBeNull();
});

test('fill in the defaults of fargate', () => {
  const { fargate } = readSettings({
    fargate: '{"worker": {"minTasks": 0, "spot": false}, "availabilityZones": ["us-east-1b", "us-east-1c"]}',
  });
  expect(fargate).toEqual({
    ...readSettings({}).fargate,
    worker: { minTasks: 0, maxTasks: 20, vcpus: 2, memoryMiB: 4096, spot: false },
    availabilityZones: ['us-east-1b', 'us-east-1c'],
  });
});

test('check the rules of fargate only with compute "fargate"', () => {
  const kept = { auth: 'iam', fargate: { maxInlineBytes: 90_000_000 }, maxUploadBytes: 10_000_000 };
  expect(readSettings(kept)).toMatchObject({ compute: 'lambda', ...kept });
  expect(() => readSettings({ ...kept, ...inContainers })).toThrow('auth = ');
});

const tokens = { jwt: { issuer: 'https://idp.example', audience: ['thumbnails'] } };

test('allow tokens with fargate if tasks reach the internet', () => {
  const settings = readSettings({ ...inContainers, auth: tokens, fargate: { natGateway: true } });
  expect(settings.auth).toEqual({ jwt: { ...tokens.jwt, ownerClaim: 'sub' } });
});

test('ignore the context of CDK itself', () => {
  const context = { '@aws-cdk/core:x': true, 'aws:cdk:bundling-stacks': [], 'cli-telemetry': false };
  expect(readSettings(context)).toEqual(readSettings({}));
});

test.each([
  ['stag', { stag: 'dev' }, /stag: no such setting\. Did you mean stage\?/],
  ['stage', { stage: 'de v' }, /stage = "de v": letters, digits, - and _/],
  ['maxInlineBytes', { maxInlineBytes: '6000000' }, /maxInlineBytes = "6000000": .*4700000/],
  ['maxInlineBytes', { maxInlineBytes: 'lots' }, /maxInlineBytes = "lots": .*number/],
  ['urlLifetimeSeconds', { urlLifetimeSeconds: 7200 }, /urlLifetimeSeconds = 7200: .*3600/],
  ['logRetentionDays', { logRetentionDays: 31 }, /logRetentionDays = 31: /],
  ['auth', { auth: 'basic' }, /auth = "basic": expected "none", "iam" or \{"jwt"/],
  [
    'auth',
    { auth: { jwt: { issuer: 'http://idp.example', audience: ['a'] } } },
    /auth\.jwt\.issuer = .*: an https:/,
  ],
  [
    'auth',
    { auth: { jwt: { issuer: 'https://idp.example', audience: [] } } },
    /auth\.jwt\.audience = .*at least 1 in the list/,
  ],
  [
    'auth',
    { auth: { jwt: { issuer: 'https://idp.example', audience: ['a'], ownerClaim: '' } } },
    /auth\.jwt\.ownerClaim = .*at least 1 characters/,
  ],
  ['email', { email: 'me@example.com' }, /email = "me@example\.com": expected \{"from"/],
  [
    'email',
    { email: { from: 'Images <images@example.com>', allowedRecipients: ['example.com'] } },
    /email\.from = .*: one plain address/,
  ],
  [
    'email',
    { email: { from: 'me@example.com', identity: 'mine', allowedRecipients: ['example.com'] } },
    /email\.identity = "mine": expected "create" or "existing"/,
  ],
  [
    'email',
    { email: { from: 'me@example.com', allowedRecipients: [] } },
    /allowedRecipients = .*: at least one/,
  ],
  [
    'email',
    {
      email: {
        from: 'me@example.com',
        allowedRecipients: Array.from({ length: 21 }, (_, n) => `n${n}@example.com`),
      },
    },
    /allowedRecipients = .*: at most 20/,
  ],
  [
    'email',
    { email: { from: 'me@example.com', allowedRecipients: ['example'] } },
    /allowedRecipients\.0 = .*: an address such as .*, or a domain/,
  ],
  [
    'email',
    { email: { from: 'me@example.com', allowedRecipients: ['example.com'], name: 'Me' } },
    /email\.name: no such setting\./,
  ],
  ['alerts', { alerts: 'me@example.com' }, /alerts = "me@example\.com": expected \{"emails"/],
  ['alerts', { alerts: { emails: ['me'] } }, /alerts\.emails\.0 = .*: one plain address/],
  [
    'alerts',
    { alerts: { emails: ['me@example.com', 'me@example.com'] } },
    /alerts\.emails = .*: each address only once/,
  ],
  [
    'alerts',
    { alerts: { uploadToReadyGoalSeconds: 0 } },
    /alerts\.uploadToReadyGoalSeconds = .*: at least 1/,
  ],
  [
    'alerts',
    { alerts: { usualImagesPerHour: 0.5 } },
    /alerts\.usualImagesPerHour = .*: a whole number from 1 to/,
  ],
  ['alerts', { alerts: { email: 'me@example.com' } }, /alerts\.email: no such setting\./],
  ['retention', { retention: 30 }, /retention = 30: expected \{"originalDays"/],
  ['retention', { retention: { imageDays: 0 } }, /retention\.imageDays = 0: a whole number from 1 to/],
  [
    'retention',
    { retention: { originalDays: 31, imageDays: 30 } },
    /retention\.originalDays = 31: not more than retention\.imageDays \(30\)/,
  ],
  [
    'retention',
    { retention: { failedDays: 31, imageDays: 30 } },
    /retention\.failedDays = 31: not more than retention\.imageDays \(30\)/,
  ],
  ['versioning', { versioning: 'on' }, /versioning = "on": expected true or false/],
  ['heic', { heic: 'yes' }, /heic = "yes": expected true or false/],
  ['damaged', { damaged: 'show' }, /damaged = "show": expected "render" or "refuse"/],
  ['links', { links: 'private' }, /links = "private": expected "public" or "same"/],
  ['compute', { compute: 'ecs' }, /compute = "ecs": expected "lambda" or "fargate"/],
  [
    'domain',
    { domain: 'images.example.com' },
    /domain = "images\.example\.com": expected \{"name": "images\.example\.com", "certificateArn"/,
  ],
  [
    'domain',
    { domain: { ...inContainers.domain, name: 'https://images.example.com' } },
    /domain\.name = .*: a name such as images\.example\.com/,
  ],
  [
    'domain',
    { domain: { ...inContainers.domain, certificateArn: 'arn:aws:iam::111122223333:server-certificate/a' } },
    /domain\.certificateArn = .*: arn:aws:acm:<region>/,
  ],
  ['domain', { domain: { ...inContainers.domain, zone: 'Z1' } }, /domain\.zone: no such setting\./],
  ['domain', { compute: 'fargate' }, /domain \(not set\): required with compute "fargate": .*HTTPS only/],
  [
    'auth',
    { ...inContainers, auth: 'iam' },
    /auth = "iam": "none" or .* with compute "fargate": only API Gateway can/,
  ],
  [
    'fargate',
    { ...inContainers, auth: tokens },
    /fargate\.natGateway \(not set\): true with auth \{"jwt": …\}: .*keys of the issuer over the internet/,
  ],
  ['fargate', { fargate: true }, /fargate = true: expected \{"ingest": \{"minTasks": 2/],
  ['fargate', { fargate: { tasks: 3 } }, /fargate\.tasks: no such setting\./],
  ['fargate', { fargate: { worker: { min: 3 } } }, /fargate\.worker\.min: no such setting\./],
  [
    'fargate',
    { fargate: { ingest: { minTasks: 11 } } },
    /fargate\.ingest\.minTasks = .*: not more than maxTasks \(given 11 and 10\)/,
  ],
  [
    'fargate',
    { fargate: { ingest: { minTasks: 0 } } },
    /fargate\.ingest\.minTasks = .*: a whole number from 1 to 5000/,
  ],
  [
    'fargate',
    { fargate: { ingest: { vcpus: 3 } } },
    /fargate\.ingest\.vcpus = .*: expected 0\.5, 1, 2, 4, 8, or 16/,
  ],
  [
    'fargate',
    { fargate: { ingest: { memoryMiB: 1024 } } },
    /fargate\.ingest\.memoryMiB = .*: with 1 vCPU Fargate offers 2048 to 8192 MiB, in steps of 1024 \(given 1024\)/,
  ],
  [
    'fargate',
    { fargate: { worker: { vcpus: 8, memoryMiB: 17_408 } } },
    /fargate\.worker\.memoryMiB = .*: with 8 vCPU .* in steps of 4096/,
  ],
  [
    'fargate',
    { ...inContainers, decodeMemoryMiB: 2500 },
    /fargate\.worker\.memoryMiB \(not set\): at least 4274 for the decoders of 2 vCPU with decodeMemoryMiB \(2500\)/,
  ],
  [
    'fargate',
    { ...inContainers, maxUploadBytes: 20_000_000 },
    /fargate\.maxInlineBytes \(not set\): not more than maxUploadBytes \(20000000\)/,
  ],
  [
    'fargate',
    { fargate: { availabilityZones: ['us-east-2a'] } },
    /fargate\.availabilityZones = .*: at least 2/,
  ],
  [
    'fargate',
    { fargate: { availabilityZones: ['us-east-2a', 'us-east-2a'] } },
    /fargate\.availabilityZones = .*: each zone only once/,
  ],
  [
    'fargate',
    { fargate: { availabilityZones: ['use2-az1', 'use2-az2'] } },
    /fargate\.availabilityZones\.0 = .*: a zone such as us-east-2a/,
  ],
  ['maxUploadsPerDay', { maxUploadsPerDay: 0 }, /maxUploadsPerDay = 0: a whole number from 1 to/],
  [
    'maxUploadBytesPerDay',
    { maxUploadBytesPerDay: 99_999_999 },
    /maxUploadBytesPerDay = 99999999: not less than the largest single upload \(100000000\)/,
  ],
  [
    'maxUploadBytesPerDay',
    { maxUploadBytes: 1_000_000, maxUploadBytesPerDay: 4_000_000 },
    /maxUploadBytesPerDay = 4000000: not less than the largest single upload \(4700000\)/,
  ],
  ['maxWaitingCallers', { maxWaitingCallers: -1 }, /maxWaitingCallers = -1: a whole number from 0 to 1000/],
  ['account', { account: '1234' }, /account = "1234": 12 digits/],
  ['region', { region: 'Ohio' }, /region = "Ohio": a region such as us-east-2/],
  ['tags', { tags: { 'aws:x': 'y' } }, /tags\.aws:x = .*: a name of 1 to 128 letters/],
  ['tags', { tags: { Team: '' } }, /tags\.Team = "": a text of 1 to 256 letters/],
  ['tags', { tags: ['Team'] }, /tags = .*: expected \{"Team": "media"/],
  [
    'tags',
    { tags: Object.fromEntries(Array.from({ length: 41 }, (_, n) => [`Tag${n}`, 'x'])) },
    /tags = .*: at most 40 tags/,
  ],
  ['budget', { budget: 100 }, /budget = 100: expected \{"monthlyUsd": 100/],
  ['budget', { budget: { monthlyUsd: 0 } }, /budget\.monthlyUsd = .*: a whole number from 1 to/],
  [
    'budget',
    { budget: { monthlyUsd: 1, emails: Array.from({ length: 11 }, (_, n) => `n${n}@example.com`) } },
    /budget\.emails = .*: at most 10/,
  ],
  [
    'acknowledgedWarnings',
    { acknowledgedWarnings: ['open'] },
    /acknowledgedWarnings\.0 = .*: expected a list of "no-alerts", "open-api"/,
  ],
  ['imagesOnDestroy', { imagesOnDestroy: 'yes' }, /imagesOnDestroy = "yes": expected "keep" or "delete"/],
  [
    'variants',
    { variants: '[{"name":"a","fit":"crop"}]' },
    /variants\.0 \("a"\)\.fit = .*: one of "inside", "cover", "contain"/,
  ],
  ['variants', { variants: [{ name: 'a' }, { name: 'a' }] }, /variants = .*the name "a" is listed twice/],
  ['variants', { variants: [] }, /variants = \[\]: at least one/],
])('refuse a wrong %s with the setting, the value and the rule', (_, context, message) => {
  expect(() => readSettings(context)).toThrow(message);
});

test('report all errors together', () => {
  expect(() => readSettings({ stage: '', logRetentionDays: 0 })).toThrow(
    /stage = [\s\S]*logRetentionDays = /,
  );
});

test.each(Object.entries(settingsSchema.shape))('describe %s in one sentence, with its rule', (_, schema) => {
  const { description, rule } = documentationOf(schema);
  expect(description).toMatch(/^[A-Z].*\.$/);
  expect(rule).not.toBe('');
});
