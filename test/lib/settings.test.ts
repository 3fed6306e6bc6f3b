import { readSettings } from '../../lib/settings.ts';

test('are complete without being given', () => {
  expect(readSettings({})).toEqual({
    stackName: 'ThumbnailGenerator',
    stage: 'dev',
    variants: [{ name: 'thumbnail', width: 320, height: 320, fit: 'inside', format: 'webp', quality: 80 }],
    maxInlineBytes: 4_700_000,
    maxUploadBytes: 100_000_000,
    maxSidePixels: 16_384,
    maxPixels: 100_000_000,
    maxFrames: 2000,
    maxAnimationPixels: 1_000_000_000,
    decodeTimeoutSeconds: 20,
    decodeMemoryMiB: 1280,
    urlLifetimeSeconds: 3600,
    auth: 'none',
    links: 'public',
    uploadsPerSecond: 10,
    uploadBurst: 50,
    requestsPerSecond: 50,
    requestBurst: 100,
    ingestMaxConcurrency: null,
    resizeMaxConcurrency: 20,
    logRetentionDays: 30,
    email: null,
    alerts: { emails: [], uploadToReadyGoalSeconds: 10, usualImagesPerHour: 1000 },
    dataLake: false,
    imagesOnDestroy: 'keep',
  });
});

test('may come from cdk.json as values, or from -c as text', () => {
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
    email: { from: 'images@example.com', allowedRecipients: ['example.com', 'Me@example.org'] },
    alerts: { emails: ['ops@example.com'], uploadToReadyGoalSeconds: 10, usualImagesPerHour: 20 },
  });
  expect(readSettings({ email: 'null' }).email).toBeNull();
});

test('pass over what is CDK’s own context', () => {
  const context = { '@aws-cdk/core:x': true, 'aws:cdk:bundling-stacks': [], 'cli-telemetry': false };
  expect(readSettings(context)).toEqual(readSettings({}));
});

test.each([
  ['stag', { stag: 'dev' }, /stag: no such setting\. There are stackName, stage, variants/],
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
    /auth\.jwt\.audience = .*>=1 items/,
  ],
  ['email', { email: 'me@example.com' }, /email = "me@example\.com": expected null or \{"from"/],
  [
    'email',
    { email: { from: 'Images <images@example.com>', allowedRecipients: ['example.com'] } },
    /email\.from = .*: one plain address/,
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
    /email = .*Unrecognized key: "name"/,
  ],
  ['alerts', { alerts: 'me@example.com' }, /alerts = "me@example\.com": expected \{"emails"/],
  ['alerts', { alerts: { emails: ['me'] } }, /alerts\.emails\.0 = .*: one plain address/],
  [
    'alerts',
    { alerts: { emails: ['me@example.com', 'me@example.com'] } },
    /alerts\.emails = .*: an address stands twice/,
  ],
  ['alerts', { alerts: { uploadToReadyGoalSeconds: 0 } }, /alerts\.uploadToReadyGoalSeconds = .*>=1/],
  ['alerts', { alerts: { usualImagesPerHour: 0.5 } }, /alerts\.usualImagesPerHour = .*int/],
  ['alerts', { alerts: { email: 'me@example.com' } }, /alerts = .*Unrecognized key: "email"/],
  ['links', { links: 'private' }, /links = "private": .*"public"\|"same"/],
  ['imagesOnDestroy', { imagesOnDestroy: 'yes' }, /imagesOnDestroy = "yes": .*"keep"\|"delete"/],
  [
    'variants',
    { variants: '[{"name":"a","fit":"crop"}]' },
    /variants\.0\.fit = .*"inside"\|"cover"\|"contain"/,
  ],
  ['variants', { variants: [{ name: 'a' }, { name: 'a' }] }, /variants = .*the name "a" stands twice/],
  ['variants', { variants: [] }, /variants = \[\]: at least one/],
])('refuse a wrong %s with the setting, the value and the rule', (_, context, message) => {
  expect(() => readSettings(context)).toThrow(message);
});

test('refuse all that is wrong at once', () => {
  expect(() => readSettings({ stage: '', logRetentionDays: 0 })).toThrow(
    /stage = [\s\S]*logRetentionDays = /,
  );
});
