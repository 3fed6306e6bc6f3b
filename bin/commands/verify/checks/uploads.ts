import { HeadObjectCommand } from '@aws-sdk/client-s3';
import sharp from 'sharp';
import { originalKey } from '../../../../lambdas/image/keys.ts';
import type { Check, Context } from '../check.ts';
import { held, NotAsExpected, skipped } from '../outcome.ts';
import {
  codeOf,
  describeReply,
  imageReplyOf,
  post,
  postAndWait,
  requireProblem,
  requireStatus,
  type ShownReply,
} from '../replies.ts';
import { newCorruptImage, newImageOf, newPhoto } from '../test-images.ts';

/** Opens the URL of each thumbnail, and compares what it shows with what the reply promised. */
const requireThumbnails = async (
  { api }: Pick<Context, 'api'>,
  { thumbnails }: ShownReply,
): Promise<string> => {
  const seen: string[] = [];
  for (const [name, { url, ...promised }] of Object.entries(thumbnails)) {
    const shown = await api.sendPresigned('GET', url);
    requireStatus(`The URL of ${name}`, shown, 200);
    const { width, height } = await sharp(shown.body)
      .metadata()
      .catch(() => {
        throw new NotAsExpected(`The URL of ${name} shows no image.`);
      });
    const found = {
      contentType: shown.headers['content-type'],
      width,
      height,
      bytes: shown.body.length,
    };
    for (const key of ['contentType', 'width', 'height', 'bytes'] as const) {
      if (found[key] !== promised[key]) {
        throw new NotAsExpected(`${name} has the ${key} ${found[key]}, not ${promised[key]} as promised.`);
      }
    }
    seen.push(`${name} ${width}x${height}`);
  }
  return seen.join(', ');
};

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

/** Bodies this far below and above the limit are taken and refused. */
const marginBytes = 10_000;

/** API Gateway's limit of a body (API Gateway quotas, "HTTP API quotas"). */
const gatewayLimitBytes = 10 * 1024 * 1024;

const checkUpload = async (context: Context, headers: Readonly<Record<string, string>>) => {
  const photo = await newPhoto();
  const started = Date.now();
  const reply = await postAndWait(context, photo, headers);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const seen = await requireThumbnails(context, reply);
  return held(`${Math.round(photo.length / 1000)} KB were ready after ${seconds} s: ${seen}.`);
};

/** `POST /upload_image` and the links. */
export const uploadChecks: readonly Check[] = [
  {
    name: 'upload',
    group: 'upload',
    quick: true,
    needsCaller: true,
    description:
      'A new JPEG of 100 KB is ready within 20 s, and each URL shows an image of the promised type and size.',
    run: (context) => checkUpload(context, { 'Content-Type': 'image/jpg' }),
  },
  {
    name: 'upload-without-type',
    group: 'upload',
    quick: true,
    needsCaller: true,
    description: 'The same without `Content-Type`.',
    run: (context) => checkUpload(context, {}),
  },
  {
    name: 'link',
    group: 'upload',
    quick: true,
    needsCaller: true,
    description: 'The permanent link redirects GET and HEAD to URLs that were signed for them.',
    async run(context) {
      const { api } = context;
      const { id, link } = await postAndWait(context, await newPhoto());
      const seen: string[] = [];
      for (const method of ['GET', 'HEAD']) {
        const redirect = await api.send(method, `/thumbnails/${id}`);
        requireStatus(`${method} of a link`, redirect, 302);
        const shown = await api.sendPresigned(method, redirect.headers.location ?? '');
        requireStatus(`${method} of the URL behind a link`, shown, 200);
        seen.push(`${method} ${redirect.status}, ${shown.headers['content-type']}`);
      }
      if (!link.endsWith(`/thumbnails/${id}`)) throw new NotAsExpected(`The link of ${id} is ${link}.`);
      return held(`${seen.join('; ')}.`);
    },
  },
  {
    name: 'duplicate',
    group: 'upload',
    quick: true,
    needsCaller: true,
    description: 'The same bytes again are the same image, at once, and are not stored again.',
    async run(context) {
      const { stack, aws } = context;
      const photo = await newPhoto();
      const { id } = await postAndWait(context, photo);
      const storedAt = async () =>
        (
          await aws.s3.send(
            new HeadObjectCommand({ Bucket: stack.outputs.RawBucketName, Key: originalKey(id) }),
          )
        ).LastModified?.getTime();
      const before = await storedAt();
      const again = imageReplyOf('The same bytes again', await post(context, photo), 200);
      if (again.id !== id || again.status !== 'ready') {
        throw new NotAsExpected(`The same bytes again are ${again.id}, ${again.status}.`);
      }
      if ((await storedAt()) !== before) throw new NotAsExpected('The same bytes were stored again.');
      return held('200 ready, not stored again.');
    },
  },
  {
    name: 'inline-limit',
    group: 'upload',
    quick: true,
    needsCaller: true,
    description: 'An image just below `maxInlineBytes` is taken, one just above is refused with 413.',
    async run(context) {
      const { maxInlineBytes } = await context.stack.settings();
      const below = await newImageOf(maxInlineBytes - marginBytes);
      imageReplyOf(`An upload of ${megabytes(below.length)}`, await post(context, below), 200, 202);
      const above = newCorruptImage(maxInlineBytes + marginBytes);
      const refused = await post(context, above);
      requireProblem(`An upload of ${megabytes(above.length)}`, refused, 413, 'body-too-large');
      return held(
        `${megabytes(below.length)} taken, ${megabytes(above.length)} refused: ${describeReply(refused)}.`,
      );
    },
  },
  {
    name: 'gateway-limit',
    group: 'upload',
    quick: false,
    needsCaller: true,
    description: 'API Gateway itself refuses a body of more than 10 MB with 413.',
    async run(context) {
      if (context.stack.outputs.LoadBalancerDnsName !== undefined) {
        return skipped('Uploads go to the load balancer, not to API Gateway.');
      }
      const reply = await post(context, newCorruptImage(gatewayLimitBytes + marginBytes));
      const what = 'An upload of more than 10 MB';
      requireStatus(what, reply, 413);
      if (codeOf(reply) !== undefined) throw new NotAsExpected(`${what} was refused by the function.`);
      return held(`${describeReply(reply)}.`);
    },
  },
];
