import * as z from 'zod';
import { until } from './local-run.ts';

/** The reply to an accepted image: this and nothing else. */
export const imageReply = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{64}$/),
  status: z.enum(['received', 'ready']),
  url: z.url(),
  expiresAt: z.iso.datetime(),
  link: z.url(),
  thumbnails: z.record(
    z.string(),
    z.strictObject({
      url: z.url(),
      contentType: z.string(),
      width: z.int().optional(),
      height: z.int().optional(),
      bytes: z.int().optional(),
    }),
  ),
  original: z.strictObject({
    contentType: z.string().optional(),
    width: z.int().optional(),
    height: z.int().optional(),
    bytes: z.int(),
  }),
  thumbhash: z.string().optional(),
});

export const post = (
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  fetch(url, { method: 'POST', body, headers: { 'Content-Type': 'image/jpg', ...headers } });

/** Posts a new image; does not wait for its thumbnails. */
export const upload = async (url: string, image: Buffer<ArrayBuffer>) => {
  const response = await post(url, image);
  expect(response.status).toBe(202);
  return imageReply.parse(await response.json());
};

/** Posts an image and waits for its thumbnails. */
export const uploadAndWait = async (url: string, image: Buffer<ArrayBuffer>) => {
  const response = await post(url, image, { Prefer: 'wait=20' });
  expect(response.status).toBe(200);
  return imageReply.parse(await response.json());
};

/** The thumbnail that a presigned URL shows, once it is there. Until then nothing but 404 is right. */
export const thumbnailOf = (url: string, milliseconds?: number): Promise<Response> =>
  until(
    'the thumbnail',
    async () => {
      const response = await fetch(url);
      if (response.ok) return response;
      await response.body?.cancel();
      expect(response.status).toBe(404);
      return undefined;
    },
    milliseconds,
  );

/** Visits a permanent link, following no redirect. */
export const visit = (link: string, accept = 'application/json'): Promise<Response> =>
  fetch(link, { redirect: 'manual', headers: { Accept: accept } });

/** Where a permanent link leads as soon as the thumbnail is there. Until then nothing but 202 is right. */
export const redirectOf = (link: string): Promise<string> =>
  until('the redirect', async () => {
    const response = await visit(link);
    await response.body?.cancel();
    if (response.status === 302) return response.headers.get('Location') ?? '';
    expect(response.status).toBe(202);
    expect(response.headers.get('Retry-After')).toBe('1');
    return undefined;
  });
