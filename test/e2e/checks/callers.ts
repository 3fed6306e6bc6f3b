import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { eventually, replyOf, shownAt, shownReplyOf } from '../api.ts';
import type { Outputs } from '../cdk.ts';
import { runCurl } from '../curl.ts';
import { check, type Deployment } from '../deployment.ts';
import { region } from '../emulator.ts';
import type { UserCredentials } from '../iam.ts';
import { smallPhoto } from '../photo.ts';
import { verifyStack } from './verification.ts';

/** Lets a user call an API. */
const mayCall = (uploadUrl: string): object => {
  const [apiId = ''] = new URL(uploadUrl).hostname.split('.');
  return {
    Effect: 'Allow',
    Action: 'execute-api:Invoke',
    Resource: `arn:aws:execute-api:${region}:*:${apiId}/dev/*`,
  };
};

/** Sends a request of one caller. */
type Send = (
  method: string,
  path: string,
  options?: string,
) => Promise<{ readonly status: number; readonly body: string }>;

/** @param identity the options of curl that say who calls */
const callerOf =
  (deployment: Deployment, uploadUrl: string, identity: string): Send =>
  (method, path, options = '') =>
    runCurl(
      deployment,
      `curl --request ${method} ${identity} ${options} ${deployment.emulator.urlOf(uploadUrl).replace(/\/upload_image$/, path)}`,
    );

/** A new user who may call an API. */
const newUser = async (deployment: Deployment, uploadUrl: string, name: string): Promise<Send> => {
  const user = await deployment.iam.createUser(name, [mayCall(uploadUrl)]);
  const signed = `--aws-sigv4 "aws:amz:${region}:execute-api" --user "${user.accessKeyId}:${user.secretAccessKey}"`;
  return callerOf(deployment, uploadUrl, signed);
};

/** Someone with a token. */
export const bearerOf = (deployment: Deployment, uploadUrl: string, token: string): Send =>
  callerOf(deployment, uploadUrl, `-H "Authorization: Bearer ${token}"`);

/** Checks that two callers who upload the same photo see, list and delete only what is theirs. */
export const expectOwnImages = async (
  { account, folder }: Deployment,
  { RawBucketName }: Outputs,
  [ann, ben]: readonly [Send, Send],
  photo: Buffer,
): Promise<void> => {
  const id = imageIdOf(photo);
  writeFileSync(join(folder, `${id}.jpg`), photo);
  const upload = `-H "Prefer: wait=20" --data-binary "@${id}.jpg"`;
  const statusOf = async (reply: ReturnType<Send>) => (await reply).status;

  expect(await statusOf(ann('POST', '/upload_image', upload))).toBe(200);
  expect(await statusOf(ben('GET', `/images/${id}`))).toBe(404);
  expect(await statusOf(ben('DELETE', `/images/${id}`))).toBe(404);
  expect(JSON.parse((await ben('GET', '/images')).body)).toEqual({ images: [] });
  expect(await statusOf(ben('POST', '/upload_image', upload))).toBe(200);
  for (const caller of [ann, ben]) {
    expect(JSON.parse((await caller('GET', '/images')).body)).toMatchObject({ images: [{ id }] });
  }

  expect(await statusOf(ann('DELETE', `/images/${id}`))).toBe(204);
  expect(await statusOf(ann('GET', `/images/${id}`))).toBe(404);
  expect(await statusOf(ben('GET', `/images/${id}`))).toBe(200);
  expect(await statusOf(ben('DELETE', `/images/${id}`))).toBe(204);
  const left = await eventually(
    () => account.object(RawBucketName, `raw/${id}`),
    (object) => object === undefined,
  );
  expect(left).toBeUndefined();
};

/** Who may call an API with the setting `auth`. */
export const checkCallers = (): void => {
  check('accepts uploads from users with permission, and shows links to everyone', async (deployment) => {
    const { cdk, emulator, folder, iam, second } = deployment;
    const { api, outputs, settings } = second;
    expect(await cdk.deploy({ ...settings, auth: 'iam' })).toEqual({
      ...outputs,
      OwnersTableName: expect.any(String),
    });

    const photo = await smallPhoto(74);
    const id = imageIdOf(photo);
    writeFileSync(join(folder, 'signed.jpg'), photo);
    const granted = await iam.createUser('granted', [mayCall(outputs.UploadUrl)]);
    const stranger = await iam.createUser('stranger', []);
    // As in the README.
    const upload = async ({ accessKeyId, secretAccessKey }: UserCredentials) =>
      runCurl(
        deployment,
        `curl --request POST --aws-sigv4 "aws:amz:${region}:execute-api" --user "${accessKeyId}:${secretAccessKey}" -H "Prefer: wait=20" --data-binary "@signed.jpg" ${api.uploadUrl}`,
      );

    const refused = {
      'an unsigned upload': (await api.upload(photo)).status,
      'an unsigned announcement': (await api.announce({ sha256: id, bytes: photo.length })).status,
      'an unsigned question': (await api.get(`/images/${id}`)).status,
      'an upload by a user without the permission': (await upload(stranger)).status,
      'an upload signed with another secret': (
        await upload({ ...granted, secretAccessKey: stranger.secretAccessKey })
      ).status,
    };
    expect(refused).toEqual(Object.fromEntries(Object.keys(refused).map((what) => [what, 403])));

    const { status, body } = await upload(granted);
    const reply = await shownReplyOf(new Response(body, { status }), 200);
    expect(reply).toMatchObject({ id, status: 'ready' });
    const link = await fetch(emulator.urlOf(reply.link), { redirect: 'manual' });
    expect(link.status).toBe(302);
    await shownAt(link.headers.get('Location') ?? '');

    const report = await verifyStack(deployment, second, { only: ['callers'], quick: true });
    expect(report.results).toMatchObject([
      { name: 'unsigned-refused', status: 'held' },
      { name: 'signed-taken', status: 'held' },
    ]);
    expect(report.left).toEqual([]);
  });

  check('shows, lists and deletes for each user only what they have uploaded', async (deployment) => {
    const { outputs } = deployment.second;
    const ann = await newUser(deployment, outputs.UploadUrl, 'ann');
    const ben = await newUser(deployment, outputs.UploadUrl, 'ben');
    await expectOwnImages(deployment, outputs, [ann, ben], await smallPhoto(75));
  });

  check('takes what a user has announced, and makes it theirs', async (deployment) => {
    const { account, second } = deployment;
    const { UploadUrl, RawBucketName } = second.outputs;
    const cleo = await newUser(deployment, UploadUrl, 'cleo');
    const photo = await smallPhoto(76);
    const id = imageIdOf(photo);
    const announcement = JSON.stringify({ sha256: id, bytes: photo.length });
    const announced = await cleo('POST', '/uploads', `--data '${announcement}'`);
    const { upload } = await replyOf(new Response(announced.body, { status: announced.status }), 201);
    const { method, url = '', headers } = upload ?? {};
    expect((await fetch(url, { method, headers, body: new Uint8Array(photo) })).status).toBe(200);

    const record = await eventually(
      async () => JSON.parse((await cleo('GET', `/images/${id}`)).body),
      ({ status }) => status !== 'received',
    );
    expect(record).toMatchObject({ id, status: 'ready' });
    // What arrived is emptied. The empty object refuses a replay of the URL.
    const [key = '', ...others] = await account.keysUnder(RawBucketName, `arrivals/${id}/`);
    expect(others).toEqual([]);
    const arrived = await eventually(
      () => account.object(RawBucketName, key),
      (object) => object?.bytes === 0,
    );
    expect(arrived).toMatchObject({ bytes: 0 });
    const replayed = await fetch(url, { method, headers, body: new Uint8Array(photo) });
    expect(replayed.status).toBe(412);
  });
};
