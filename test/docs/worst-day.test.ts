import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { bytesStoredByWorstDay, descriptionBytes, worstDay, worstDayUsd } from '../../bin/docs/worst-day.ts';
import { describeApi } from '../../lambdas/ingest/openapi.ts';
import { routesOf } from '../../lambdas/ingest/routes.ts';
import { createMailExtension } from '../../lambdas/notify/upload-extension.ts';
import { readSettings } from '../../lib/settings.ts';
import { inContainers } from '../lib/stacks.ts';

const defaults = readSettings({});

test.each([
  ['maxUploadsPerDay', 200_000],
  ['maxUploadBytesPerDay', 400_000_000_000],
  ['maxWaitingCallers', 20],
  ['uploadsPerSecond', 20],
  ['requestsPerSecond', 100],
  ['resizeMaxConcurrency', 40],
  ['email', { from: 'images@example.com', allowedRecipients: ['example.com'] }],
  ['dataLake', true],
  ['variants', [{ name: 'one' }, { name: 'two' }]],
])('costs more with a higher %s', (name, value) => {
  expect(worstDayUsd(readSettings({ [name]: value }))).toBeGreaterThan(worstDayUsd(defaults));
});

test.each(['ingest', 'worker'])('costs more in containers with a higher fargate.%s.maxTasks', (service) => {
  const more = { ...inContainers, fargate: { [service]: { maxTasks: 100 } } };
  expect(worstDayUsd(readSettings(more))).toBeGreaterThan(worstDayUsd(readSettings(inContainers)));
});

test('stores no more when uploads are faster, because of the budget', () => {
  const fast = readSettings({ uploadsPerSecond: 10_000, uploadBurst: 5000 });
  expect(bytesStoredByWorstDay(fast)).toBe(bytesStoredByWorstDay(defaults));
});

test('counts every GET route twice, for GET and HEAD', () => {
  const gets = routesOf(defaults).filter(
    ({ method, opens }) => method === 'GET' && opens !== 'everyone',
  ).length;
  const line = worstDay(defaults).find(({ what }) => what === 'HTTP API: all other routes');
  // 50 a second and a burst of 100.
  expect(line?.usage.apiRequests).toBe(2 * gets * (50 * 86_400 + 100));
});

test('assumes an API description that is not smaller than the real one', () => {
  const real = describeApi({
    apiUrl: 'https://abcdefghij.execute-api.us-east-2.amazonaws.com/dev',
    maxInlineBytes: 4_700_000,
    maxUploadBytes: 100_000_000,
    auth: { jwt: { issuer: 'https://idp.example', audience: ['thumbnails'], ownerClaim: 'sub' } },
    links: 'same',
    uploadPage: true,
    extensions: [createMailExtension('mail-requests', [], new DynamoDBClient())],
  });
  expect(JSON.stringify(real).length).toBeLessThanOrEqual(descriptionBytes);
  expect(JSON.stringify(real).length).toBeGreaterThan(descriptionBytes / 4);
});
