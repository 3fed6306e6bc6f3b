import { imageIdOf } from '../../../lambdas/image/id.ts';
import { quarteredPicture } from '../../images.ts';
import { expectProblem, replyOf, secondsUntil, settled, shownAt } from '../api.ts';
import { check } from '../deployment.ts';
import { coloursOf } from '../photo.ts';

/** `POST /uploads`: images above the limit of one request, straight to S3. */
export const checkLargeUploads = (): void => {
  check(
    'accepts an image too large for one request straight into S3, and no other bytes',
    async (deployment) => {
      const { account, main } = deployment;
      const { api, outputs } = main;
      const image = await quarteredPicture(1200, 1600).tiff({ compression: 'none' }).toBuffer();
      const id = imageIdOf(image);
      const refused = { status: 413, code: 'body-too-large' };
      await expectProblem(await api.upload(image), refused, '/dev/uploads');

      const announced = await replyOf(await api.announce({ sha256: id, bytes: image.length }), 201);
      expect(announced).toMatchObject({ id, status: 'received' });
      expect(announced.original).toEqual({});
      if (announced.upload === undefined) throw new Error('No presigned upload');
      const { method, url, headers, expiresAt } = announced.upload;
      expect(new URL(url).searchParams.get('X-Amz-Security-Token')).toMatch(/\w{20}/);
      expect(secondsUntil(expiresAt)).toBeGreaterThan(60);
      expect(secondsUntil(expiresAt)).toBeLessThanOrEqual(3600);

      const link = await api.get(`/thumbnails/${id}`);
      expect([link.headers.get('Retry-After'), link.headers.get('Cache-Control')]).toEqual(['1', 'no-store']);
      expect(await replyOf(link, 202)).toMatchObject({ id, status: 'received' });
      const page = await api.get(`/thumbnails/${id}`, { Accept: 'text/html' });
      expect([page.status, await page.text()]).toEqual([
        202,
        expect.stringContaining('<meta http-equiv="refresh" content="1">'),
      ]);

      const put = async (body: Buffer, sent: Readonly<Record<string, string>>) =>
        (await fetch(url, { method, headers: sent, body: new Uint8Array(body) })).status;
      expect({
        'another body of the same length': await put(Buffer.alloc(image.length, 1), headers),
        'another length': await put(image.subarray(1), headers),
        'no header': await put(image, {}),
      }).toEqual({ 'another body of the same length': 400, 'another length': 403, 'no header': 403 });
      for (const name of Object.keys(headers)) {
        const { [name]: _, ...others } = headers;
        expect({ without: name, status: await put(image, others) }).toEqual({ without: name, status: 403 });
      }
      expect(await account.object(outputs.RawBucketName, `raw/${id}`)).toBeUndefined();

      expect(await put(image, headers)).toBe(200);
      expect(await put(image, headers)).toBe(412);
      const ready = await settled(api, id);
      expect(ready).toMatchObject({
        status: 'ready',
        original: { contentType: 'image/tiff', width: 1200, height: 1600, bytes: image.length },
        thumbnails: { thumbnail: { width: 240, height: 320 }, square: { width: 96, height: 96 } },
      });
      const { bytes } = await shownAt(ready.url ?? '');
      expect(await coloursOf(bytes)).toEqual(['red', 'green', 'blue', 'white']);

      const again = await replyOf(await api.announce({ sha256: id, bytes: image.length }), 200);
      expect(again).toMatchObject({ id, status: 'ready' });
      expect(again.upload).toBeUndefined();
    },
  );

  const sha256 = 'a'.repeat(64);
  for (const [what, request, status, code, field] of [
    ['more bytes than the setting allows', { sha256, bytes: 100_000_001 }, 413, 'body-too-large', 'bytes'],
    ['a malformed hash', { sha256: 'A'.repeat(64), bytes: 1 }, 400, 'invalid-request', 'sha256'],
    ['no hash', { bytes: 1 }, 400, 'invalid-request', 'sha256'],
    ['no bytes', { sha256, bytes: 0 }, 400, 'invalid-request', 'bytes'],
    ['a length in text', { sha256, bytes: '1' }, 400, 'invalid-request', 'bytes'],
  ] as const) {
    check(`refuses an announcement of ${what} with ${status} and the field`, async ({ main }) => {
      await expectProblem(await main.api.announce(request), { status, code, field });
    });
  }

  check('refuses an announcement that is not JSON', async ({ main }) => {
    await expectProblem(await main.api.announce('{'), { status: 400, code: 'invalid-request' });
  });
};
