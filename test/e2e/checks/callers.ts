import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { eventually, shownAt, shownReplyOf } from '../api.ts';
import { runCurl } from '../curl.ts';
import { check, type Deployment } from '../deployment.ts';
import { region } from '../emulator.ts';
import type { UserCredentials } from '../iam.ts';
import { smallPhoto } from '../photo.ts';
import { verifyStack } from './verification.ts';

/** A request signed by a user, as curl signs it. @returns the status and the body */
const signedBy =
  (deployment: Deployment, { accessKeyId, secretAccessKey }: UserCredentials) =>
  (method: string, path: string, options = '') =>
    runCurl(
      deployment,
      `curl --request ${method} --aws-sigv4 "aws:amz:${region}:execute-api" --user "${accessKeyId}:${secretAccessKey}" ${options} ${deployment.second.api.uploadUrl.replace(/\/upload_image$/, path)}`,
    );

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
    const [apiId = ''] = new URL(outputs.UploadUrl).hostname.split('.');
    const granted = await iam.createUser('granted', [
      {
        Effect: 'Allow',
        Action: 'execute-api:Invoke',
        Resource: `arn:aws:execute-api:${region}:*:${apiId}/dev/*`,
      },
    ]);
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
    const { account, folder, iam, second } = deployment;
    const [apiId = ''] = new URL(second.outputs.UploadUrl).hostname.split('.');
    const mayCall = [
      {
        Effect: 'Allow',
        Action: 'execute-api:Invoke',
        Resource: `arn:aws:execute-api:${region}:*:${apiId}/dev/*`,
      },
    ];
    const ann = signedBy(deployment, await iam.createUser('ann', mayCall));
    const ben = signedBy(deployment, await iam.createUser('ben', mayCall));
    const photo = await smallPhoto(75);
    const id = imageIdOf(photo);
    writeFileSync(join(folder, 'owned.jpg'), photo);
    const upload = '-H "Prefer: wait=20" --data-binary "@owned.jpg"';
    const statusOf = async (reply: ReturnType<typeof ann>) => (await reply).status;

    expect(await statusOf(ann('POST', '/upload_image', upload))).toBe(200);
    expect(await statusOf(ben('GET', `/images/${id}`))).toBe(404);
    expect(await statusOf(ben('DELETE', `/images/${id}`))).toBe(404);
    expect(JSON.parse((await ben('GET', '/images')).body)).toEqual({ images: [] });
    expect(await statusOf(ben('POST', '/upload_image', upload))).toBe(200);
    for (const person of [ann, ben]) {
      expect(JSON.parse((await person('GET', '/images')).body)).toMatchObject({ images: [{ id }] });
    }

    expect(await statusOf(ann('DELETE', `/images/${id}`))).toBe(204);
    expect(await statusOf(ann('GET', `/images/${id}`))).toBe(404);
    expect(await statusOf(ben('GET', `/images/${id}`))).toBe(200);
    expect(await statusOf(ben('DELETE', `/images/${id}`))).toBe(204);
    const left = await eventually(
      () => account.object(second.outputs.RawBucketName, `raw/${id}`),
      (object) => object === undefined,
    );
    expect(left).toBeUndefined();
  });
};
