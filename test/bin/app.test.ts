import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs the app as CDK does, with `-c` settings and credentials of an account; functions are not bundled. */
const runApp = (
  given: Readonly<Record<string, unknown>> = {},
  environment: Readonly<Record<string, string>> = {},
) => {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8'));
  const { status, stdout, stderr } = spawnSync('node', ['bin/app.ts'], {
    env: {
      PATH: process.env['PATH'],
      CDK_OUTDIR: mkdtempSync(join(tmpdir(), 'thumbnail-generator-app-')),
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, ...given, 'aws:cdk:bundling-stacks': [] }),
      ...environment,
    },
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { status, stdout, stderr };
};

const acknowledged = /Acknowledge with 'Annotation::([a-z-]+)'/g;

describe('the app', () => {
  test('warns about the default settings, and prints nothing else', () => {
    const { status, stdout, stderr } = runApp();
    expect([status, stdout]).toEqual([0, '']);
    const blocks = stderr.trim().split(/\n\s*\n/);
    const ids = blocks.flatMap((block) => [...block.matchAll(acknowledged)].map(([, id]) => id));
    expect(ids).toEqual(['no-alerts', 'open-api']);
    expect(blocks).toEqual([
      ...ids.map(() => expect.stringMatching(/^WARNING /)),
      expect.stringMatching(/^A copy of this report can be found in: \S+$/),
    ]);
  }, 130_000);

  test('prints nothing if all warnings are acknowledged', () => {
    const { status, stdout, stderr } = runApp({
      acknowledgedWarnings: '["no-alerts","open-api","context-settings"]',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  }, 130_000);

  test.each([
    [
      { account: '111122223333' },
      'Your credentials are of account 444455556666, but the setting account is 111122223333.',
    ],
    [{ region: 'eu-west-1' }, 'Your region is us-east-2, but the setting region is eu-west-1.'],
    [{ account: '1111' }, 'Wrong settings (cdk.json or -c):\n  account = "1111": 12 digits'],
  ])(
    'stops with one sentence at %j',
    (given, sentence) => {
      const credentials = { CDK_DEFAULT_ACCOUNT: '444455556666', CDK_DEFAULT_REGION: 'us-east-2' };
      expect(runApp(given, credentials)).toEqual({ status: 1, stdout: '', stderr: `\n${sentence}\n\n` });
    },
    130_000,
  );

  test('accepts the account and the region of the settings, and a computer without credentials', () => {
    const given = {
      account: '444455556666',
      region: 'us-east-2',
      acknowledgedWarnings: ['no-alerts', 'open-api', 'context-settings'],
    };
    const credentials = { CDK_DEFAULT_ACCOUNT: '444455556666', CDK_DEFAULT_REGION: 'us-east-2' };
    expect(runApp(given, credentials)).toMatchObject({ status: 0, stderr: '' });
    expect(runApp(given)).toMatchObject({ status: 0, stderr: '' });
  }, 250_000);
});
