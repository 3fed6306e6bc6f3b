import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { shownAt, shownReplyOf } from '../api.ts';
import { runCurl } from '../curl.ts';
import { check } from '../deployment.ts';
import { region } from '../emulator.ts';
import type { UserCredentials } from '../iam.ts';
import { smallPhoto } from '../photo.ts';
import { verifyStack } from './verification.ts';

/** Who may call an API with the setting `auth`. */
export const checkCallers = (): void => {
  check('accepts uploads from users with permission, and shows links to everyone', async (deployment) => {
    const { cdk, emulator, folder, iam, second } = deployment;
    const { api, outputs, settings } = second;
    expect(await cdk.deploy({ ...settings, auth: 'iam' })).toEqual(outputs);

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
};
