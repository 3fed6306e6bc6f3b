import { quarteredPicture } from '../images.ts';
import { startIssuer } from '../issuer.ts';
import { shownReplySchema } from '../reply.ts';
import { freePort, startLocal } from './local-run.ts';
import { cleanUp, temporaryFolder } from './processes.ts';
import { post, visit } from './uploads.ts';

jest.setTimeout(60_000);
afterEach(cleanUp);

test('accepts uploads only with a token of the configured issuer', async () => {
  // GIVEN
  const issuer = await startIssuer();
  const auth = JSON.stringify({ jwt: { issuer: issuer.issuer, audience: ['thumbnails'] } });
  const args = ['-c', `auth=${auth}`, '-c', 'links=same'];
  const local = startLocal({ folder: await temporaryFolder(), port: await freePort(), args });
  await local.ready();
  const photo = Buffer.from(await quarteredPicture(400, 300).jpeg().toBuffer());

  try {
    // WHEN
    const without = await post(local.uploadUrl, photo);
    const forAnother = await post(local.uploadUrl, photo, {
      Authorization: `Bearer ${await issuer.token({ aud: 'another' })}`,
    });
    const valid = await post(local.uploadUrl, photo, { Authorization: `Bearer ${await issuer.token()}` });

    // THEN
    expect([without.status, forAnother.status, valid.status]).toEqual([401, 401, 202]);
    expect(await without.json()).toMatchObject({ code: 'unauthorized' });
    const { link } = shownReplySchema.parse(await valid.json());
    expect((await visit(link)).status).toBe(401);
  } finally {
    issuer.stop();
  }
});

test('refuses to start with auth "iam", which only API Gateway can check', async () => {
  const args = ['-c', 'auth=iam'];
  const local = startLocal({ folder: await temporaryFolder(), port: await freePort(), args });
  expect(await local.ended).toBe(1);
  expect(local.errors()).toContain('auth "iam" needs API Gateway');
});
