import { setTimeout } from 'node:timers/promises';
import * as z from 'zod';
import { imageReplySchema } from '../../../../lambdas/ingest/image-reply.ts';
import type { Check, Context } from '../check.ts';
import { held, judge, NotAsExpected, skipped } from '../outcome.ts';
import { imageReplyOf, requireStatus } from '../replies.ts';
import { newImageOf, newPhoto } from '../test-images.ts';
import { waitFor } from '../wait.ts';

const announcedSchema = imageReplySchema.extend({
  upload: z.object({
    url: z.url(),
    headers: z.record(z.string(), z.string()),
    expiresAt: z.iso.datetime(),
  }),
});

/** Requests a presigned upload of an image, which is removed in the end. */
const announce = async ({ api, images }: Context, image: Buffer) => {
  const id = images.add(image);
  const body = Buffer.from(JSON.stringify({ sha256: id, bytes: image.length }));
  const reply = await api.send('POST', '/uploads', { body });
  requireStatus('The announcement of an upload', reply, 201);
  return announcedSchema.parse(JSON.parse(reply.body.toString()));
};

const largeBytes = 20_000_000;

/** A longer lifetime of URLs is not waited for. */
const maxLifetimeSeconds = 300;

/** `POST /uploads`, and what S3 takes with the URL. */
export const largeUploadChecks: readonly Check[] = [
  {
    name: 'presigned-upload',
    group: 'large-upload',
    quick: true,
    needsCaller: true,
    description: 'S3 takes an image of 20 MB through a presigned URL, and it becomes ready.',
    async run(context) {
      const { api, stack, signal } = context;
      const { maxUploadBytes } = await stack.settings();
      const image = await newImageOf(Math.min(largeBytes, maxUploadBytes));
      const { id, upload } = await announce(context, image);
      const put = await api.sendPresigned('PUT', upload.url, upload.headers, image);
      requireStatus('A presigned upload', put, 200);
      const { status, error } = await waitFor(
        async () => imageReplyOf('GET /images/{id}', await api.send('GET', `/images/${id}`), 200),
        (reply) => reply.status !== 'received',
        { timeoutSeconds: 30, signal },
      );
      if (status !== 'ready')
        throw new NotAsExpected(`The image is ${status} ${error?.code ?? ''} after 30 s.`);
      return held(`${(image.length / 1e6).toFixed(1)} MB taken and ready.`);
    },
  },
  {
    name: 'presigned-refusals',
    group: 'large-upload',
    quick: true,
    needsCaller: true,
    description: 'S3 refuses other bytes and another length than those announced.',
    async run(context) {
      const { api } = context;
      const image = await newPhoto();
      const { upload } = await announce(context, image);
      const otherBytes = Buffer.from(image);
      otherBytes.set([otherBytes.readUInt8(image.length - 3) ^ 1], image.length - 3);
      const faults: string[] = [];
      const seen: string[] = [];
      for (const [what, body] of [
        ['another length', image.subarray(1)],
        ['other bytes', otherBytes],
      ] as const) {
        const { status } = await api.sendPresigned('PUT', upload.url, upload.headers, body);
        if (![400, 403].includes(status)) faults.push(`S3 answered ${status} to ${what}.`);
        seen.push(`${what} ${status}`);
      }
      return judge(faults, `${seen.join(', ')}.`);
    },
  },
  {
    name: 'presigned-expiry',
    group: 'patience',
    quick: false,
    needsCaller: true,
    description:
      'S3 refuses a presigned upload after its time. Only where `urlLifetimeSeconds` is at most 300.',
    async run(context) {
      const { api, stack, signal } = context;
      const { urlLifetimeSeconds } = await stack.settings();
      if (urlLifetimeSeconds > maxLifetimeSeconds) {
        return skipped(`URLs live for ${urlLifetimeSeconds} s, which is too long to wait.`);
      }
      const image = await newPhoto();
      const { upload } = await announce(context, image);
      const milliseconds = Date.parse(upload.expiresAt) - Date.now() + 2000;
      await setTimeout(Math.max(0, milliseconds), undefined, { signal });
      const { status } = await api.sendPresigned('PUT', upload.url, upload.headers, image);
      return judge(status === 403 ? [] : [`S3 answered ${status} to an expired URL.`], 'Expired: 403.');
    },
  },
];
