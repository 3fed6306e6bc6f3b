import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { imageIdOf } from '../../lambdas/image/id.ts';
import { corruptJpeg } from '../images.ts';
import type { Reply, ShownReply } from '../reply.ts';
import { type Account, createAccount, type Inventory } from './account.ts';
import {
  type Api,
  createApi,
  eventually,
  eventuallyShownAt,
  expectProblem,
  replyOf,
  settled,
  shownAt,
  uploadAndWait,
} from './api.ts';
import { type AnyVersionOutputs, type Cdk, createCdk, type Settings } from './cdk.ts';
import { type PipelineRole, statementsOf } from './deploy-role.ts';
import { credentials, type Emulator, region, startEmulator } from './emulator.ts';
import { readQueue } from './event-sources.ts';
import { createIam } from './iam.ts';
import { coloursOf, smallPhoto } from './photo.ts';
import { lastRelease, unpackRelease } from './release.ts';
import { createRunFolder } from './run-folder.ts';

/** What someone who runs the last release has when they deploy this version. */
interface Installation {
  readonly outputs: AnyVersionOutputs;
  readonly inventory: Inventory;
  /** An image with a thumbnail, and a mail to `ready@example.com`. */
  readonly ready: ShownReply;
  /** Its thumbnail. */
  readonly thumbnail: Buffer;
  readonly failed: Reply;
  /** An image whose bytes have not been uploaded yet. */
  readonly announced: Reply;
  readonly announcedImage: Buffer;
  /** An image whose message waits in the queue, with a mail request of `waiting@example.com`. */
  readonly waiting: Reply;
  /** An image whose message is a dead letter. */
  readonly dead: Reply;
  /** The items of all of them in the catalog. */
  readonly items: readonly unknown[];
}

const settings: Settings = {
  email: JSON.stringify({ from: 'thumbnails@example.com', allowedRecipients: ['example.com'] }),
};
const stackName = 'ThumbnailGenerator';

const folder = createRunFolder('upgrade');
let emulator: Emulator;
let account: Account;
let cdk: Cdk;
let api: Api;
let before: Installation;
/** What the pull request shows: `cdk diff` and `npm run stateful-changes`. */
let difference: string;
let foreseen: string;
let after: AnyVersionOutputs;

const idsOf = ({ ready, failed, announced, waiting, dead }: Omit<Installation, 'items'>) =>
  [ready, failed, announced, waiting, dead].map(({ id }) => id);

const itemsOf = (table: string, ids: readonly string[]) =>
  Promise.all(ids.map((id) => account.item(table, id)));

const arnOf = (queueUrl: string): string => {
  const [accountId, name] = new URL(queueUrl).pathname.split('/').slice(1);
  return `arn:aws:sqs:${region}:${accountId}:${name}`;
};

/** Waits until an address has this many mails. */
const mailsTo = async (address: string, count: number) => {
  const mails = await eventually(
    () => emulator.mailsTo(address),
    ({ length }) => length >= count,
  );
  expect(mails).toHaveLength(count);
  return mails;
};

/** Uses the release until there is something of everything that an upgrade could lose. */
const use = async (outputs: AnyVersionOutputs): Promise<Installation> => {
  const mailed = { 'X-Notify-Email': 'ready@example.com' };
  await replyOf(await api.upload(await smallPhoto(70), mailed), 202);
  await mailsTo('ready@example.com', 1);
  // An event that finds the mail being sent would come back only minutes later.
  await account.drained(outputs.NotifyQueueUrl);
  const ready = await uploadAndWait(api, await smallPhoto(70));
  const { id } = await replyOf(await api.upload(corruptJpeg()), 202);
  const failed = await settled(api, id);
  const announcedImage = await smallPhoto(71);

  // Its failure is the deployment's fault, so it is retried until it is a dead letter.
  await account.hideFor(outputs.ResizeQueueUrl, 1);
  const iam = createIam(emulator.endpoint);
  const dead = await iam.without(stackName, 'ResizeFunctionRole', 's3:PutObject', async () => {
    const reply = await replyOf(await api.upload(await smallPhoto(72)), 202);
    await eventually(
      () => account.messagesIn(outputs.ResizeDeadLetterQueueUrl),
      (count) => count === 1,
    );
    return reply;
  });
  await account.hideFor(outputs.ResizeQueueUrl, 720);

  await readQueue(emulator, arnOf(outputs.ResizeQueueUrl), false);
  const waitingFor = { 'X-Notify-Email': 'waiting@example.com' };
  const used = {
    outputs,
    inventory: await account.inventory(),
    ready,
    thumbnail: (await shownAt(ready.url)).bytes,
    failed,
    announced: await replyOf(
      await api.announce({ sha256: imageIdOf(announcedImage), bytes: announcedImage.length }),
      201,
    ),
    announcedImage,
    waiting: await replyOf(await api.upload(await smallPhoto(73), waitingFor), 202),
    dead,
  };
  return { ...used, items: await itemsOf(outputs.CatalogTableName, idsOf(used)) };
};

/** For the files of one who runs cdk. */
const folderFor = (name: string): string => {
  const own = join(folder, `as-${name}`);
  mkdirSync(own);
  return own;
};

/** The environment of a user who may do what a role of the pipeline may. */
const signedInAs = async (role: PipelineRole) => {
  const user = await createIam(emulator.endpoint).createUser(role, statementsOf(role));
  return { AWS_ACCESS_KEY_ID: user.accessKeyId, AWS_SECRET_ACCESS_KEY: user.secretAccessKey };
};

beforeAll(async () => {
  emulator = await startEmulator(folder);
  account = createAccount(emulator.endpoint);
  const environment = {
    AWS_ENDPOINT_URL: emulator.endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_CA_BUNDLE: emulator.certificateFile,
  };
  try {
    // GIVEN
    const release = createCdk(folderFor('release'), environment, await unpackRelease(folder));
    await release.bootstrap();
    const outputs = await release.deployAnyVersion(settings);
    api = createApi(emulator.urlOf(outputs.UploadUrl));
    before = await use(outputs);

    // WHEN the pipeline deploys this version
    cdk = createCdk(folderFor('owner'), environment);
    const assembly = await cdk.synth(settings);
    const comparing = createCdk(folderFor('diff'), { ...environment, ...(await signedInAs('DiffRole')) });
    difference = await comparing.diff(assembly);
    foreseen = await comparing.statefulChanges(assembly);
    const deploying = createCdk(folderFor('deploy'), { ...environment, ...(await signedInAs('DeployRole')) });
    after = await deploying.deployAnyVersion(settings);
  } catch (error) {
    console.error(emulator.endOfLog());
    throw error;
  }
}, 800_000);

afterAll(async () => {
  await emulator?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe(`This version, deployed over ${lastRelease},`, () => {
  test('keeps the address, and every bucket, table, queue and topic', async () => {
    expect(after).toMatchObject(before.outputs);
    const { buckets, tables, queues } = await account.inventory();
    expect(buckets).toEqual(expect.arrayContaining([...before.inventory.buckets]));
    expect(tables).toEqual(expect.arrayContaining([...before.inventory.tables]));
    expect(queues).toEqual(expect.arrayContaining([...before.inventory.queues]));
  });

  test('is compared and deployed with the permissions of the pipeline, and passes its gate', () => {
    expect(difference).toMatch(/\[~\] AWS::Lambda::Function/);
    expect(foreseen).toBe(`${stackName}: nothing that holds data is replaced or removed\n`);
  });

  test('changes no record', async () => {
    expect(before.items).not.toContain(undefined);
    expect(await itemsOf(after.CatalogTableName, idsOf(before))).toEqual(before.items);
  });

  test('keeps presigned URLs working until they expire', async () => {
    expect((await shownAt(before.ready.url)).bytes).toEqual(before.thumbnail);
  });

  test('works off the messages that waited, and sends the mail that was requested', async () => {
    await readQueue(emulator, arnOf(after.ResizeQueueUrl), true);
    expect(await settled(api, before.waiting.id)).toMatchObject({ status: 'ready' });
    const [mail] = await mailsTo('waiting@example.com', 1);
    expect(mail?.BodyText).toContain(`/dev/thumbnails/${before.waiting.id}`);
  });

  test('accepts the bytes of an upload that was announced before', async () => {
    const { upload, id } = before.announced;
    const { method, url = '', headers } = upload ?? {};
    const put = await fetch(url, { method, headers, body: new Uint8Array(before.announcedImage) });
    expect(put.status).toBe(200);
    expect(await settled(api, id)).toMatchObject({ status: 'ready' });
  });

  test('keeps each permanent link, and shows the same picture there', async () => {
    const { id } = before.ready;
    const link = await eventually(
      () => api.get(`/thumbnails/${id}`),
      ({ status }) => status !== 202,
    );
    expect(link.status).toBe(302);
    const { bytes } = await eventuallyShownAt(link.headers.get('Location') ?? '');
    expect(await coloursOf(bytes)).toEqual(await coloursOf(before.thumbnail));
    expect(await settled(api, id)).toMatchObject({
      status: 'ready',
      original: before.ready.original,
      thumbhash: before.ready.thumbhash,
    });
  });

  test('gives the reason at the link of an image that was refused', async () => {
    const { id, error } = before.failed;
    const link = await eventually(
      () => api.get(`/thumbnails/${id}`),
      ({ status }) => status !== 202,
    );
    await expectProblem(link, { status: 422, code: error?.code ?? 'none' });
  });

  test('finds the dead letters again, and redrives them', async () => {
    expect(await account.messagesIn(after.ResizeDeadLetterQueueUrl)).toBe(1);
    await cdk.redrive('--stack', stackName);
    expect(await settled(api, before.dead.id)).toMatchObject({ status: 'ready' });
  });

  test('knows the bytes that were uploaded before, and mails no one again', async () => {
    const again = await uploadAndWait(api, await smallPhoto(70));
    expect(again.id).toBe(before.ready.id);
    await account.drained(after.NotifyQueueUrl);
    await mailsTo('ready@example.com', 1);
  });
});
