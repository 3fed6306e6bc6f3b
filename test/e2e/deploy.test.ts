import { setTimeout } from 'node:timers/promises';
import { startIssuer } from '../issuer.ts';
import type { ShownReply } from '../reply.ts';
import { type Inventory, inventoryOf } from './account.ts';
import { createApi, secondsUntil, shownAt, uploadAndWait } from './api.ts';
import { bearerOf, checkCallers, expectOwnImages } from './checks/callers.ts';
import { checkChangedSettings } from './checks/changed-settings.ts';
import { checkDataLake } from './checks/data-lake.ts';
import { checkDeadLetters } from './checks/dead-letters.ts';
import { checkDeletion } from './checks/deletion.ts';
import { checkEvents } from './checks/events.ts';
import { checkLargeUploads } from './checks/large-uploads.ts';
import { checkLinks } from './checks/links.ts';
import { checkMail } from './checks/mail.ts';
import { checkPermissions } from './checks/permissions.ts';
import { checkPreflight } from './checks/preflight.ts';
import { checkReconciler } from './checks/reconciler.ts';
import { checkUploads } from './checks/uploads.ts';
import { checkExpiry, checkVerification } from './checks/verification.ts';
import { check, type Deployment, deploy, functionIds, remove } from './deployment.ts';
import { smallPhoto } from './photo.ts';

/** The second stack has one since its API was closed. Its first outputs do not name it. */
const ownersTable = async ({ account }: Deployment): Promise<string> => {
  const { tables } = await account.inventory();
  const [name = '', ...others] = tables.filter((table) => table.startsWith('Second-Owners'));
  expect([name, others]).toEqual([expect.stringMatching(/\w/), []]);
  return name;
};

const inventoryOfSecond = async (deployment: Deployment): Promise<Inventory> =>
  inventoryOf({ ...deployment.second.outputs, OwnersTableName: await ownersTable(deployment) });

/** A reply of the second stack, whose URLs expire after a minute. */
let secondReply: ShownReply;

let issuer: Awaited<ReturnType<typeof startIssuer>>;

beforeAll(async () => {
  issuer = await startIssuer();
  await deploy();
  // The sum of the time limits of its commands.
}, 800_000);
afterAll(async () => {
  issuer.stop();
  await remove();
});

describe('The stack', () => {
  check('runs twice side by side, independently', async ({ account, main, second }) => {
    secondReply = await uploadAndWait(second.api, await smallPhoto(81));
    expect(secondReply.thumbnails).toEqual({
      thumbnail: {
        url: secondReply.url,
        contentType: 'image/webp',
        width: 240,
        height: 320,
        bytes: expect.any(Number),
      },
    });
    expect(secondsUntil(secondReply.expiresAt)).toBeGreaterThan(30);
    expect(secondsUntil(secondReply.expiresAt)).toBeLessThanOrEqual(60);

    expect(await account.object(main.outputs.RawBucketName, `raw/${secondReply.id}`)).toBeUndefined();
    expect((await main.api.get(`/images/${secondReply.id}`)).status).toBe(404);
  });
});

describe('An upload', checkUploads);
describe('A large upload', checkLargeUploads);
describe('A link', checkLinks);
// Before permissions are refused, which it would find in the logs.
describe('The verification', checkVerification);
describe('The reconciler', checkReconciler);
describe('An event', checkEvents);
describe('A mail', checkMail);
describe('A deletion', checkDeletion);
describe('A dead letter', checkDeadLetters);
describe('The data lake', checkDataLake);
describe('The preflight', checkPreflight);
describe('The verification', checkExpiry);
describe('A permission', checkPermissions);
describe('A changed setting', checkChangedSettings);
describe('A closed API', checkCallers);

describe('In the end the stack', () => {
  check('refuses a URL after the time in the reply', async () => {
    await setTimeout(1000 * Math.max(0, secondsUntil(secondReply.expiresAt) + 1));
    const response = await fetch(secondReply.url);
    expect([response.status, await response.text()]).toEqual([403, expect.stringContaining('expired')]);
  });

  check('never logs a presigned URL', async ({ main }) => {
    for (const functionId of functionIds) {
      expect(await main.logLines(functionId, '"level":')).not.toEqual([]);
      expect(await main.logLines(functionId, 'X-Amz-')).toEqual([]);
    }
  });

  check(
    'is destroyed with the images and their catalog with imagesOnDestroy "delete"',
    async (deployment) => {
      const { account, cdk, main, photo } = deployment;
      for (const bucket of inventoryOf(main.outputs).buckets) await account.allowEmptying(bucket);
      await cdk.destroy(main.settings);
      expect(await account.inventory()).toEqual(await inventoryOfSecond(deployment));
      expect((await main.api.upload(photo)).status).toBe(404);
    },
  );

  check('refuses to be destroyed while it is to keep images', async (deployment) => {
    const { account, cdk, second } = deployment;
    await expect(cdk.destroy(second.settings)).rejects.toThrow('TerminationProtection');
    expect(await account.inventory()).toEqual(await inventoryOfSecond(deployment));
  });

  check('is destroyed without the images and their catalog by default', async (deployment) => {
    const { account, cdk, second } = deployment;
    const { outputs, settings } = second;
    await account.allowDestroying('Second');
    await cdk.destroy(settings);
    const { buckets, tables } = await inventoryOfSecond(deployment);
    expect(await account.inventory()).toEqual({
      buckets,
      tables: tables.filter((name) => name !== outputs.AdmissionTableName),
      queues: [],
    });
    expect(await account.object(outputs.RawBucketName, `raw/${secondReply.id}`)).toMatchObject({
      bytes: secondReply.original.bytes,
    });
    expect(await account.item(outputs.CatalogTableName, secondReply.id)).toMatchObject({ status: 'ready' });
  });

  check('is deployed again with what it has kept, and with callers who have tokens', async (deployment) => {
    const { account, cdk, emulator, second } = deployment;
    const { RawBucketName, ThumbnailBucketName, CatalogTableName } = second.outputs;
    const jwt = { issuer: issuer.issuer, audience: ['thumbnails'] };
    const settings = { ...second.settings, auth: JSON.stringify({ jwt }) };
    const OwnersTableName = await ownersTable(deployment);
    await cdk.adopt(settings, {
      RawBucket0C3EE094: { BucketName: RawBucketName },
      ThumbnailBucket3BC05C46: { BucketName: ThumbnailBucketName },
      Catalog742F25FD: { TableName: CatalogTableName },
      Owners0FE414D7: { TableName: OwnersTableName },
    });
    const outputs = await cdk.deploy(settings);
    expect(outputs).toMatchObject({ RawBucketName, ThumbnailBucketName, CatalogTableName, OwnersTableName });
    expect(await account.inventory()).toEqual(inventoryOf(outputs));

    const api = createApi(emulator.urlOf(outputs.UploadUrl));
    const link = await api.get(`/thumbnails/${secondReply.id}`);
    expect(link.status).toBe(302);
    expect((await shownAt(link.headers.get('Location') ?? '')).bytes).toHaveLength(
      secondReply.thumbnails.thumbnail?.bytes ?? 0,
    );
    // The bucket’s events lead to the new queues.
    const bearer = async (sub: string) =>
      bearerOf(deployment, outputs.UploadUrl, await issuer.token({ sub }));
    await expectOwnImages(
      deployment,
      outputs,
      [await bearer('dora'), await bearer('emil')],
      await smallPhoto(82),
    );
    const foreign = await issuer.token({ sub: 'dora', aud: 'others' });
    expect((await bearerOf(deployment, outputs.UploadUrl, foreign)('GET', '/images')).status).toBe(401);
  });
});
