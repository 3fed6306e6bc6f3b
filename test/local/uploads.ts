import { shownReplySchema } from '../reply.ts';
import { until } from './local-run.ts';

export const post = (
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  fetch(url, { method: 'POST', body, headers: { 'Content-Type': 'image/jpg', ...headers } });

/** Posts a new image without waiting for its thumbnails. */
export const upload = async (url: string, image: Buffer<ArrayBuffer>) => {
  const response = await post(url, image);
  expect(response.status).toBe(202);
  return shownReplySchema.parse(await response.json());
};

/** Posts an image and waits for its thumbnails. */
export const uploadAndWait = async (url: string, image: Buffer<ArrayBuffer>) => {
  const response = await post(url, image, { Prefer: 'wait=20' });
  expect(response.status).toBe(200);
  return shownReplySchema.parse(await response.json());
};

/** Waits for the thumbnail at a presigned URL, which returns 404 until then. */
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

/** Requests a permanent link without following redirects. */
export const visit = (link: string, accept = 'application/json'): Promise<Response> =>
  fetch(link, { redirect: 'manual', headers: { Accept: accept } });

/** Waits for the redirect of a permanent link, which returns 202 until then. */
export const redirectOf = (link: string): Promise<string> =>
  until('the redirect', async () => {
    const response = await visit(link);
    await response.body?.cancel();
    if (response.status === 302) return response.headers.get('Location') ?? '';
    expect(response.status).toBe(202);
    expect(response.headers.get('Retry-After')).toBe('1');
    return undefined;
  });
