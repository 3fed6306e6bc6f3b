import sharp from 'sharp';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { corruptJpeg } from '../../images.ts';
import { expectProblem, shownAt, uploadAndWait } from '../api.ts';
import { check } from '../deployment.ts';
import { smallPhoto } from '../photo.ts';

/** The presigned URL and the permanent link. */
export const checkLinks = (): void => {
  check('refuses a URL that was changed', async ({ main, photo }) => {
    const { id, url } = await uploadAndWait(main.api, photo);
    const changes = {
      signature: ({ searchParams }: URL) => searchParams.set('X-Amz-Signature', '0'.repeat(64)),
      lifetime: ({ searchParams }: URL) => searchParams.set('X-Amz-Expires', '604800'),
      image: (changed: URL) => {
        changed.pathname = changed.pathname.replace(id, '0'.repeat(64));
      },
    };
    for (const [what, change] of Object.entries(changes)) {
      const changed = new URL(url);
      change(changed);
      expect([what, (await fetch(changed)).status]).toEqual([what, 403]);
    }
    const withoutToken = new URL(url);
    withoutToken.searchParams.delete('X-Amz-Security-Token');
    expect((await fetch(withoutToken)).ok).toBe(false);
  });

  for (const [path, size] of [
    ['', { format: 'webp', width: 240, height: 320 }],
    ['/thumbnail', { format: 'webp', width: 240, height: 320 }],
    ['/square', { format: 'jpeg', width: 96, height: 96 }],
  ] as const) {
    check(
      `redirects /thumbnails/{id}${path} to a URL that outlives the redirect`,
      async ({ main, photo }) => {
        const response = await main.api.get(`/thumbnails/${imageIdOf(photo)}${path}`);
        expect(response.status).toBe(302);
        const location = response.headers.get('Location') ?? '';
        const lifetime = Number(new URL(location).searchParams.get('X-Amz-Expires'));
        const [, maxAge] = /^private, max-age=(\d+)$/.exec(response.headers.get('Cache-Control') ?? '') ?? [];
        expect(lifetime).toBeLessThanOrEqual(3600);
        expect(Number(maxAge)).toBeGreaterThan(0);
        expect(Number(maxAge)).toBeLessThan(lifetime);
        const { format, width, height } = await sharp((await shownAt(location)).bytes).metadata();
        expect({ format, width, height }).toEqual(size);
      },
    );
  }

  check('never allows caching of a redirect beyond the lifetime of its URL', async ({ second }) => {
    const { id } = await uploadAndWait(second.api, await smallPhoto(80));
    const response = await second.api.get(`/thumbnails/${id}`);
    expect([response.status, response.headers.get('Cache-Control')]).toEqual([302, 'private, max-age=0']);
  });

  check('replies to HEAD of a link with the headers alone', async ({ main, photo }) => {
    const response = await main.api.get(`/thumbnails/${imageIdOf(photo)}`, {}, 'HEAD');
    expect([response.status, await response.text()]).toEqual([302, '']);
    // The URL is signed for HEAD, as S3 requires.
    const shown = await fetch(response.headers.get('Location') ?? '', { method: 'HEAD' });
    expect([shown.status, shown.headers.get('Content-Type')]).toEqual([200, 'image/webp']);
  });

  check('refuses links without a target, each with its reason', async ({ main, photo }) => {
    const { api } = main;
    const unknownVariant = { status: 404, code: 'unknown-variant', field: 'variant' };
    await expectProblem(
      await api.get(`/thumbnails/${imageIdOf(photo)}/huge`),
      unknownVariant,
      'thumbnail, square',
    );
    const unknown = await api.get(`/thumbnails/${'0'.repeat(64)}`);
    await expectProblem(unknown, { status: 404, code: 'not-found' });
    const malformed = await api.get('/thumbnails/photo.jpg');
    await expectProblem(malformed, { status: 400, code: 'invalid-request', field: 'id' });
  });

  check('replies with the reason to a link of a broken image', async ({ main }) => {
    const path = `/thumbnails/${imageIdOf(corruptJpeg())}`;
    await expectProblem(await main.api.get(path), { status: 422, code: 'image-corrupt' });
    const page = await main.api.get(path, { Accept: 'text/html' });
    expect([page.status, page.headers.get('Content-Type')]).toEqual([
      422,
      expect.stringMatching(/^text\/html/),
    ]);
    expect(await page.text()).toContain('The image is damaged');
  });
};
