import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { svg } from '../images.ts';
import { shownReplySchema } from '../reply.ts';
import { freePort, isFree, startLocal } from './local-run.ts';
import { cleanUp, temporaryFolder } from './processes.ts';
import { post } from './uploads.ts';

jest.setTimeout(60_000);

let folder: string;
let port: number;
let blocker: Server | undefined;

beforeEach(async () => {
  folder = await temporaryFolder();
  port = await freePort();
});

afterEach(async () => {
  if (blocker) await once(blocker.close(), 'close');
  blocker = undefined;
  await cleanUp();
});

/** Expects that the start fails, and returns the error output. */
const refused = async (args: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
  const local = startLocal({ folder, port, args, environment });
  expect(await local.ended).toBe(1);
  expect(local.out()).toBe('');
  expect(local.errors()).not.toMatch(/^\s+at /m);
  expect(await readdir(folder)).not.toContain('.local');
  return local.errors();
};

test.each([
  [0, 'API'],
  [1, 'S3'],
  [2, 'SQS'],
  [3, 'DynamoDB'],
  [4, 'mail'],
])("refuses when the API's port + %i is in use, and leaves no file behind", async (offset, use) => {
  blocker = createServer();
  await once(blocker.listen(port + offset, '127.0.0.1'), 'listening');
  const errors = await refused([]);
  expect(errors).toContain(`Port ${port + offset} (${use})`);
  expect(errors).toContain('PORT=3100 npm start');
  const others = [0, 1, 2, 3, 4].filter((each) => each !== offset);
  expect(await Promise.all(others.map((each) => isFree(port + each)))).toEqual([true, true, true, true]);
});

test('refuses a wrong setting in less than a screen', async () => {
  const errors = await refused(['-c', 'maxInlineBytes=1', '-c', 'colour=red']);
  expect(errors).toContain('maxInlineBytes = "1"');
  expect(errors).toContain('colour: no such setting');
  expect(errors.split('\n').length).toBeLessThan(24);
});

test('refuses to start without a readable cdk.json', async () => {
  await writeFile(join(folder, 'cdk.json'), '{');
  expect(await refused([])).toContain('cdk.json cannot be read');
  await rm(join(folder, 'cdk.json'));
  expect(await refused([])).toContain('cdk.json cannot be read');
});

test('reads settings from cdk.json and -c, which wins', async () => {
  // GIVEN
  const context = { stage: 'prod', urlLifetimeSeconds: 60, '@aws-cdk/core:enablePartitionLiterals': true };
  await writeFile(join(folder, 'cdk.json'), JSON.stringify({ app: 'node bin/app.ts', context }));
  const email = { from: 'sender@example.org', allowedRecipients: ['me@example.org', 'example.net'] };
  const variants = [{ name: 'card', width: 64, height: 64, fit: 'cover', format: 'jpeg' }, { name: 'large' }];
  // WHEN
  const local = startLocal({
    folder,
    port,
    args: [
      ...['-c', 'stage=trial', '--context', `variants=${JSON.stringify(variants)}`],
      ...['-c', `email=${JSON.stringify(email)}`],
    ],
  });
  await local.ready();
  // THEN
  const url = `http://127.0.0.1:${port}/trial/upload_image`;
  expect(local.out()).toContain(url);
  expect(local.out()).toContain('Mail to me@example.org, anyone at example.net stays on this machine');
  expect(local.out()).toContain(`-H "X-Notify-Email: me@example.org"`);
  expect((await post(`http://127.0.0.1:${port}/prod/upload_image`, svg().toString())).status).toBe(404);
  const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex');
  const reply = shownReplySchema.parse(await (await post(url, jpeg)).json());
  expect(Object.keys(reply.thumbnails)).toEqual(['card', 'large']);
  expect(reply.thumbnails['card']?.contentType).toBe('image/jpeg');
  expect(new URL(reply.url).searchParams.get('X-Amz-Expires')).toBe('60');
});
