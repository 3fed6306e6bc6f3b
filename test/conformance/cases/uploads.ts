import { problemKinds } from '../../../lambdas/ingest/problem.ts';
import type { Rendering } from '../../../lambdas/resize/decoder/protocol.ts';
import { corruptJpeg, hostilePng, svg } from '../../images.ts';
import {
  announce,
  type Case,
  deleting,
  failed,
  failures,
  jsonReply,
  markBytes,
  problem,
  ready,
  received,
  receivedJpeg,
  retriedFailures,
  upload,
  url,
} from './case.ts';

const accepted = 'Accepted are JPEG, PNG, WebP, GIF, AVIF, TIFF, HEIC.';

/** While no worker runs, so that pending images stay pending. */
export const createUploadCases = (photo: Buffer): readonly Case[] => {
  const bytes = photo.byteLength + markBytes;
  return [
    { name: 'a new image', ...upload(), reply: jsonReply(202, receivedJpeg(bytes)) },
    {
      name: 'an image that was deleted',
      before: { status: 'deleted' },
      ...upload(),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },
    { name: 'an image that is being deleted', before: { status: 'deleting' }, ...upload(), reply: deleting },
    {
      name: 'a new image with a wrong content type',
      ...upload({ headers: { 'Content-Type': 'application/pdf' } }),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },
    {
      name: 'a new image, as plain text',
      ...upload({ headers: { Accept: 'text/plain' } }),
      reply: { status: 202, headers: { 'content-type': 'text/plain; charset=UTF-8' }, body: `${url}\n` },
    },
    {
      name: 'a pending image, with a wait of zero',
      before: { status: 'received' },
      ...upload({ headers: { Prefer: 'respond-async, wait=0' } }),
      reply: jsonReply(202, receivedJpeg(bytes), { 'preference-applied': 'wait=0' }),
    },
    {
      name: 'an image with a wait that is not a number',
      ...upload({ headers: { Prefer: 'wait=soon' } }),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },
    {
      name: 'an image that is ready',
      before: { status: 'ready' },
      ...upload(),
      reply: jsonReply(200, ready),
    },
    {
      name: 'an image that is ready, with a wait that is capped',
      before: { status: 'ready' },
      ...upload({ headers: { Prefer: 'wait=100' } }),
      reply: jsonReply(200, ready, { 'preference-applied': 'wait=20' }),
    },
    {
      name: 'an image that is ready, as plain text',
      before: { status: 'ready' },
      ...upload({ headers: { Accept: 'text/plain' } }),
      reply: { status: 200, headers: { 'content-type': 'text/plain; charset=UTF-8' }, body: `${url}\n` },
    },
    ...failures.map((code) => ({
      name: `an image that failed: ${code}`,
      before: failed(code),
      ...upload(),
      reply: retriedFailures.includes(code)
        ? jsonReply(202, received({ bytes: 9 }))
        : problem(problemKinds[code].status, code, 'It is <not> valid.'),
    })),
    {
      name: 'no body',
      request: { method: 'POST', path: '/upload_image' },
      reply: problem(400, 'empty-body', 'The request has no body: send the image as the body.'),
    },
    {
      name: 'an SVG that claims to be a JPEG',
      ...upload({ image: svg() }),
      reply: problem(415, 'unsupported-type', `The image is SVG. ${accepted}`),
    },
    {
      name: 'text, with a reply as text',
      ...upload({ body: 'hello', headers: { Accept: 'text/plain', 'Content-Type': 'text/plain' } }),
      reply: problem(415, 'unsupported-type', `The image is text. ${accepted}`),
    },
    {
      name: 'a body that is too large',
      ...upload({ image: Buffer.concat([corruptJpeg(), Buffer.alloc(100_000)]) }),
      reply: problem(
        413,
        'body-too-large',
        'The image is too large for one request, which takes 0.1 MB. POST /dev/uploads takes images of up to 5 MB.',
      ),
    },
  ];
};

/**
 * While a worker runs.
 *
 * @param corruptDetail what is said of garbage after the header of a JPEG
 */
export const createWorkerCases = (
  photo: Buffer,
  { original, thumbnails: [thumbnail], thumbhash }: Rendering,
  corruptDetail: string,
): readonly Case[] => {
  const waiting = { Prefer: 'wait=20' };
  const waited = { 'preference-applied': 'wait=20' };
  return [
    {
      name: 'an image, with a wait for its thumbnails',
      ...upload({ headers: waiting }),
      reply: jsonReply(
        200,
        {
          ...ready,
          original: { bytes: photo.byteLength + markBytes, contentType: 'image/jpeg', ...original },
          thumbnails: {
            thumbnail: {
              url,
              contentType: 'image/webp',
              width: thumbnail?.width,
              height: thumbnail?.height,
              bytes: thumbnail?.bytes.byteLength,
            },
          },
          thumbhash,
        },
        waited,
      ),
    },
    {
      name: 'an image that turns out to be too large',
      ...upload({ image: hostilePng(3, 20_000), headers: waiting }),
      reply: problem(
        422,
        'image-too-large',
        'The image has 3 x 20000 pixels. At most 16384 on a side are accepted.',
        { headers: waited },
      ),
    },
    {
      name: 'an image that turns out to be garbage',
      ...upload({ image: corruptJpeg(), headers: waiting }),
      reply: problem(422, 'image-corrupt', corruptDetail, { headers: waited }),
    },
  ];
};

const exhausted = problem(
  429,
  'daily-budget-exhausted',
  'The daily upload budget is used up. Uploads of this size are accepted again from <time>.',
  { headers: { 'retry-after': '<until midnight>' } },
);

/** Requests to a target whose daily budget is used up. */
export const createBudgetCases = (): readonly Case[] => [
  { name: 'an image over the daily budget', ...upload(), reply: exhausted },
  {
    name: 'an announcement over the daily budget',
    request: announce({ sha256: '<id>', bytes: 1000 }),
    reply: exhausted,
  },
];

/** Requests to a server without free memory. In front of a function, API Gateway limits the load. */
export const createCapacityCases = (): readonly Case[] => [
  {
    name: 'an image over the memory limit',
    ...upload(),
    reply: problem(503, 'overloaded', 'The server is at capacity. Retry later.', {
      headers: { 'retry-after': '1' },
    }),
  },
];
