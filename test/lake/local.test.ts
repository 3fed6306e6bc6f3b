import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { openLocalLake } from '../../bin/commands/query/engine.ts';
import { linkServedEvent } from '../../lambdas/image/new-event.ts';
import { deadLetterQueueOf, resources, topicArn } from '../../local/aws.ts';
import { endpointOf } from '../../local/ports.ts';
import { corruptJpeg, quarteredPicture } from '../images.ts';
import { accountOf, awsClients } from '../local/aws-clients.ts';
import { freePort, type LocalRun, pidOfChild, startLocal, until } from '../local/local-run.ts';
import { cleanUp, startNode, temporaryFolder } from '../local/processes.ts';
import { post, redirectOf, uploadAndWait } from '../local/uploads.ts';

jest.setTimeout(60_000);

/*
 * The whole path from an upload to a query. The emulator of test/e2e cannot show it: it delivers nothing from
 * SNS to Firehose, and refuses a stack with named queries.
 */

let folder: string;
let local: LocalRun;
let bucket: string;
let publish: (message: string) => Promise<unknown>;

beforeAll(async () => {
  folder = await temporaryFolder();
  local = startLocal({ folder, port: await freePort() });
  bucket = join(folder, '.local', String(local.port), 's3', resources.dataLakeBucket);
  await local.ready();
  const sns = new SNSClient({ ...accountOf(local), endpoint: endpointOf(local.ports.sqs) });
  publish = (Message) =>
    sns.send(new PublishCommand({ TopicArn: topicArn(resources.imageEventsTopic), Message }));
});

afterAll(cleanUp);

/** How many rows of each type there are, including copies. */
const rowsByType = async (): Promise<Readonly<Record<string, number>>> => {
  const lake = await openLocalLake(bucket);
  try {
    const { rows } = await lake.ask('SELECT type, count(*) FROM image_events GROUP BY type', () => {});
    return Object.fromEntries(rows.map(([type, count]) => [String(type), Number(count)]));
  } finally {
    lake.close();
  }
};

const query = async (name: string): Promise<unknown> => {
  const environment = { PORT: String(local.port) };
  const running = startNode('bin/query.ts', { args: [name, '--json'], folder, environment });
  expect({ code: await running.ended, errors: running.errors() }).toEqual({ code: 0, errors: '' });
  return JSON.parse(running.out());
};

test('events can be queried moments later, and a copy of an event does not count twice', async () => {
  // WHEN an image is uploaded twice and its link visited, another is broken, and an event is repeated
  const image = Buffer.from(await quarteredPicture(400, 300).jpeg().toBuffer());
  const { id, link } = await uploadAndWait(local.uploadUrl, image);
  await post(local.uploadUrl, image);
  await redirectOf(link);
  expect((await post(local.uploadUrl, Buffer.from(corruptJpeg()), { Prefer: 'wait=20' })).status).toBe(422);
  const served = JSON.stringify(linkServedEvent('b'.repeat(64), 'thumbnail'));
  await publish(served);
  await publish(served);

  // THEN
  const expected = {
    'image.received': 2,
    'image.duplicate': 1,
    'image.ready': 1,
    'image.failed': 1,
    'link.served': 3,
  };
  await until('the rows', async () => {
    const found = await rowsByType();
    return Object.entries(expected).every(([type, count]) => found[type] === count) || undefined;
  });
  expect(await query('failures-by-code')).toEqual([
    { code: 'image-corrupt', images: 1, percent_of_failures: 100 },
  ]);
  expect(await query('most-served-links')).toMatchObject(
    [id, 'b'.repeat(64)].sort().map((image_id) => ({ image_id, variant: 'thumbnail', served: 1 })),
  );
  expect(await query('bytes-by-type-and-variant')).toMatchObject([
    { original_type: 'image/jpeg', variant: 'thumbnail', images: 1, original_bytes: image.byteLength },
  ]);
});

test('an invalid message is stored under the errors and in no table', async () => {
  const before = await rowsByType();
  const newer = JSON.stringify({ ...linkServedEvent('c'.repeat(64), 'thumbnail'), schemaVersion: 2 });
  await publish(newer);
  const errors = join(bucket, 'errors/processing-failed');
  const [line] = await until('the error', async () => {
    const files = await readdir(errors, { recursive: true }).catch(() => []);
    const found = files.find((file) => file.endsWith('._S3rver_object'));
    return found && (await readFile(join(errors, found), 'utf8')).trimEnd().split('\n');
  });
  const { errorMessage, rawData } = JSON.parse(line ?? '');
  expect(errorMessage).toBe('no event of this version: schemaVersion (invalid_value)');
  expect(Buffer.from(rawData, 'base64').toString()).toBe(newer);
  expect(await rowsByType()).toEqual(before);
});

test('no event is lost when the worker is killed', async () => {
  // GIVEN
  const ids = Array.from({ length: 60 }, (_, index) => index.toString(16).padStart(64, '0'));
  const aws = awsClients(local);
  // WHEN
  for (const [index, id] of ids.entries()) {
    await publish(JSON.stringify(linkServedEvent(id, 'thumbnail')));
    if (index % 20 === 10) process.kill(await pidOfChild(local.pid, 'local/workers/lake.ts'), 'SIGKILL');
  }
  // THEN its messages become visible again, and become rows
  await until(
    'all rows',
    async () => {
      const lake = await openLocalLake(bucket);
      const { rows } = await lake.ask('SELECT DISTINCT image_id FROM image_events', () => {});
      lake.close();
      return ids.every((id) => rows.some(([found]) => found === id)) || undefined;
    },
    50_000,
  );
  await aws.untilNothingQueued(resources.dataLakeQueue);
  expect(await aws.messagesOf(deadLetterQueueOf(resources.dataLakeQueue))).toEqual({
    waiting: 0,
    inFlight: 0,
  });
});
