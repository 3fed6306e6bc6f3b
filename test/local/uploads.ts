import * as z from 'zod';
import { until } from './local-run.ts';

/** The reply to an accepted image: this and nothing else. */
export const imageReply = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{64}$/),
  status: z.literal('received'),
  url: z.url(),
  expiresAt: z.iso.datetime(),
  thumbnails: z.record(z.string(), z.strictObject({ url: z.url(), contentType: z.string() })),
  original: z.strictObject({ contentType: z.string(), bytes: z.int() }),
});

export const post = (url: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response> =>
  fetch(url, { method: 'POST', body, headers: { 'Content-Type': 'image/jpg' } });

export const upload = async (url: string, image: Buffer<ArrayBuffer>) => {
  const response = await post(url, image);
  expect(response.status).toBe(202);
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
