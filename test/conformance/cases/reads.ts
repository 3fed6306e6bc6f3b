import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describeApi } from '../../../lambdas/ingest/openapi.ts';
import { page } from '../../../lambdas/ingest/page.ts';
import { createMailExtension } from '../../../lambdas/notify/upload-extension.ts';
import type { ApiReply } from '../exchange.ts';
import {
  type Case,
  failed,
  failures,
  get,
  head,
  json,
  jsonReply,
  limits,
  link,
  markBytes,
  noStore,
  problem,
  ready,
  receivedJpeg,
  url,
} from './case.ts';

const retrySoon = { ...noStore, 'retry-after': '1' };
const html = { 'content-type': 'text/html; charset=UTF-8' };
const browser = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

const unknownId = 'a'.repeat(64);
const wrongId = problem(
  400,
  'invalid-request',
  'An id is 64 lower-case hexadecimal digits: the SHA-256 of the image.',
  { field: 'id' },
);
const notFound = problem(404, 'not-found', 'There is no image with this id.');

const wasDeleted = 'It is no longer available. Whoever has the file can upload it again.';

const noRoute = problem(404, 'not-found', 'There is no such path. /dev/openapi.json lists all routes.');

const allow = (method: string, sent: string): ApiReply =>
  problem(405, 'method-not-allowed', `${sent} is not allowed here; use ${method}.`, {
    headers: { allow: method },
  });

/** Records, links, the description and requests without a route, while no worker runs. */
export const createReadCases = (photo: Buffer): readonly Case[] => {
  const bytes = photo.byteLength + markBytes;
  return [
    // Records
    { name: 'an unknown image', request: get(`/images/${unknownId}`), reply: notFound },
    {
      name: 'a pending image',
      before: { status: 'received' },
      request: get('/images/<id>'),
      reply: jsonReply(200, receivedJpeg(bytes), noStore),
    },
    {
      name: 'a finished image',
      before: { status: 'ready' },
      request: get('/images/<id>'),
      reply: jsonReply(200, ready, noStore),
    },
    {
      name: 'a failed image',
      before: failed('image-corrupt'),
      request: get('/images/<id>'),
      reply: jsonReply(
        200,
        {
          id: '<id>',
          status: 'failed',
          link,
          original: { bytes: 9 },
          thumbnails: {},
          error: { code: 'image-corrupt', detail: 'It is <not> valid.' },
        },
        noStore,
      ),
    },
    {
      name: 'a HEAD of a finished image',
      before: { status: 'ready' },
      request: head('/images/<id>'),
      reply: { status: 200, headers: { ...noStore, ...json }, body: '' },
    },
    ...['..%2f..', '..%5c<id>', '%2e%2e', '%2500'].map((id) => ({
      name: `an image with the id ${id}, which no path may contain`,
      request: get(`/images/${id}`),
      reply: noRoute,
    })),
    ...['x', 'A'.repeat(64), '%00'].map((id) => ({
      name: `an image with the id ${id}`,
      request: get(`/images/${id}`),
      reply: wrongId,
    })),
    {
      name: 'an image whose record cannot be read',
      before: { status: 'unreadable' },
      request: get('/images/<id>'),
      reply: problem(500, 'internal-error', 'The request failed. Retry later.'),
    },

    // Links
    ...['', '/thumbnail'].flatMap((variant) => [
      {
        name: `a link${variant} to a finished image`,
        before: { status: 'ready' } as const,
        request: get(`/thumbnails/<id>${variant}`),
        reply: {
          status: 302,
          headers: { 'cache-control': 'private, max-age=<59 minutes>', location: url },
          body: '',
        },
      },
      {
        name: `a link${variant} to a pending image`,
        before: { status: 'received' } as const,
        request: get(`/thumbnails/<id>${variant}`),
        reply: jsonReply(202, receivedJpeg(bytes), retrySoon),
      },
    ]),
    {
      name: 'a HEAD of a link',
      before: { status: 'ready' },
      request: head('/thumbnails/<id>'),
      reply: {
        status: 302,
        headers: { 'cache-control': 'private, max-age=<59 minutes>', location: url },
        body: '',
      },
    },
    {
      name: 'a link to a pending image, in a browser',
      before: { status: 'received' },
      request: get('/thumbnails/<id>', browser),
      reply: {
        status: 202,
        headers: { ...retrySoon, ...html },
        body: String(
          page('Creating the thumbnail', 'This page shows the thumbnail as soon as it is ready.', 1),
        ),
      },
    },
    ...[...failures, 'original-missing' as const].map((code) => ({
      name: `a link to an image that failed: ${code}`,
      before: failed(code),
      request: get('/thumbnails/<id>'),
      reply: { ...problem(422, code, 'It is <not> valid.', { headers: noStore }) },
    })),
    {
      name: 'a link to an image that failed, in a browser',
      before: failed('image-corrupt'),
      request: get('/thumbnails/<id>', browser),
      reply: {
        status: 422,
        headers: { ...noStore, ...html },
        body: String(page('The image is damaged', 'It is <not> valid.')),
      },
    },
    ...(['deleting', 'deleted'] as const).flatMap((status) => [
      {
        name: `a link to an image that is ${status}`,
        before: { status },
        request: get('/thumbnails/<id>'),
        reply: problem(410, 'image-deleted', wasDeleted, { headers: noStore }),
      },
      {
        name: `a link in a browser to an image that is ${status}`,
        before: { status },
        request: get('/thumbnails/<id>/thumbnail', browser),
        reply: {
          status: 410,
          headers: { ...noStore, ...html },
          body: String(page('The image was deleted', wasDeleted)),
        },
      },
      {
        name: `an image that is ${status}`,
        before: { status },
        request: get('/images/<id>'),
        reply: notFound,
      },
    ]),
    { name: 'a link to an unknown image', request: get(`/thumbnails/${unknownId}`), reply: notFound },
    { name: 'a link with a malformed id', request: get('/thumbnails/x'), reply: wrongId },
    {
      name: 'a link to an unknown variant',
      before: { status: 'ready' },
      request: get('/thumbnails/<id>/huge'),
      reply: problem(404, 'unknown-variant', 'There is no such variant. The variants are: thumbnail.', {
        field: 'variant',
      }),
    },

    // The description
    {
      name: 'the description',
      request: get('/openapi.json'),
      reply: jsonReply(
        200,
        describeApi({
          apiUrl: '<api>',
          ...limits,
          auth: 'none',
          links: 'public',
          uploadPage: null,
          extensions: [createMailExtension('mail-requests', [], new DynamoDBClient())],
        }),
      ),
    },
    {
      name: 'a HEAD of the description',
      request: head('/openapi.json'),
      reply: { status: 200, headers: json, body: '' },
    },

    // Requests without a route
    { name: 'an unknown path', request: get('/upload'), reply: noRoute },
    { name: 'a path too long', request: get(`/thumbnails/${unknownId}/thumbnail/more`), reply: noRoute },
    { name: 'a GET of the upload route', request: get('/upload_image'), reply: allow('POST', 'GET') },
    {
      name: 'a PUT of an image',
      request: { method: 'PUT', path: '/upload_image', body: 'x' },
      reply: allow('POST', 'PUT'),
    },
    {
      name: 'a DELETE of an image',
      request: { method: 'DELETE', path: `/images/${unknownId}` },
      reply: allow('GET', 'DELETE'),
    },
    {
      name: 'a POST to a link',
      request: { method: 'POST', path: `/thumbnails/${unknownId}` },
      reply: allow('GET', 'POST'),
    },
  ];
};
