import { ArtifactMetadataEntryType } from 'aws-cdk-lib/cloud-assembly-schema';
import { warningIds } from '../../lib/warnings/settings.ts';
import { warnAboutContext } from '../../lib/warnings/warnings.ts';
import { appWith, inContainers } from './stacks.ts';

/** Settings for which there is nothing to warn about. */
const careful = {
  alerts: { emails: ['ops@example.com'] },
  auth: 'iam',
  resizeMaxConcurrency: 3,
  slowResizeMaxConcurrency: 2,
  maxWaitingCallers: 2,
};

/** The texts of all warnings. */
const warningsOf = (given: Readonly<Record<string, unknown>>, stored = given): readonly string[] => {
  const { stack } = appWith({ acknowledgedWarnings: [], ...given });
  warnAboutContext(stack, given, stored);
  return stack.node
    .findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === ArtifactMetadataEntryType.WARN)
    .map(({ data }) => String(data));
};

test('nothing is said about careful settings', () => {
  expect(warningsOf(careful)).toEqual([]);
});

test.each([
  ['no-alerts', { alerts: { emails: [] } }, /^No one gets alarms/],
  ['open-api', { auth: 'none' }, /^Anyone who knows the URL may upload/],
  [
    'new-account-quotas',
    { maxWaitingCallers: 3 },
    /10 functions may run at a time besides those for requests: it has 10/,
  ],
  ['new-account-quotas', { resizeMaxConcurrency: 20 }, /26 functions may run at a time/],
  ['new-account-quotas', { decodeMemoryMiB: 2559 }, /a function of 3009 MiB: it allows 3008/],
  ['new-account-quotas', { ingestMaxConcurrency: 5 }, /ingestMaxConcurrency reserves concurrency/],
])('%s is said about %j, and nothing else', (id, given, text) => {
  const [warning, ...others] = warningsOf({ ...careful, ...given });
  expect(others).toEqual([]);
  expect(warning).toMatch(text);
  expect(warning).toContain(`[ack: ${id}]`);
});

test('no quota of Lambda is compared with containers', () => {
  const given = { ...careful, ...inContainers, auth: 'none', resizeMaxConcurrency: 20 };
  expect(warningsOf(given)).toEqual([expect.stringContaining('open-api')]);
});

test('context-settings names the settings that the next deployment would undo', () => {
  const [warning, ...others] = warningsOf({ ...careful, stage: 'live', uploadBurst: '5' }, careful);
  expect(others).toEqual([]);
  expect(warning).toContain('undoes what -c gives: stage, uploadBurst.');
});

test('context-settings does not mind another stack, nor the value that is stored', () => {
  expect(warningsOf({ ...careful, stackName: 'Second', maxWaitingCallers: '2' }, careful)).toEqual([]);
});

test('a warning that is acknowledged is not shown', () => {
  const given = { uploadBurst: 5, ingestMaxConcurrency: 5 };
  expect(warningsOf(given, {})).toHaveLength(4);
  expect(warningsOf({ ...given, acknowledgedWarnings: [...warningIds] }, {})).toEqual([]);
  const all = warningIds.filter((id) => id !== 'open-api');
  expect(warningsOf({ ...given, acknowledgedWarnings: all }, {})).toEqual([
    expect.stringContaining('[ack: open-api]'),
  ]);
});
