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
    imagesOnDestroy: 'keep',
  });
});

test('may come from cdk.json as values, or from -c as text', () => {
  const variants = [{ name: 'small', width: 100, format: 'jpeg' }];
  const values = readSettings({ variants, urlLifetimeSeconds: 600, stage: '1' });
  const text = readSettings({ variants: JSON.stringify(variants), urlLifetimeSeconds: '600', stage: '1' });
  expect(values).toEqual(text);
  expect(values).toMatchObject({
    urlLifetimeSeconds: 600,
    stage: '1',
    variants: [{ name: 'small', width: 100 }],
  });
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
