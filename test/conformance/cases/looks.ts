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

const comeAgain = { ...noStore, 'retry-after': '1' };
const html = { 'content-type': 'text/html; charset=UTF-8' };
const browser = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

const nowhere = 'a'.repeat(64);
const wrongId = problem(
  400,
  'invalid-request',
  'An id is 64 lower-case hexadecimal digits: the SHA-256 of the image.',
  { field: 'id' },
);
const notFound = problem(404, 'not-found', 'No image with this id was uploaded.');

const noRoute = problem(
  404,
  'not-found',
  'There is nothing here. /dev/openapi.json describes what there is.',
);

const allow = (method: string, asked: string): ApiReply =>
  problem(405, 'method-not-allowed', `${asked} is not possible here, ${method} is.`, {
    headers: { allow: method },
  });

/** Records, links, the description, and what no route has. While no worker works. */
export const createLookCases = (photo: Buffer): readonly Case[] => {
  const bytes = photo.byteLength + markBytes;
  return [
    // Records
    { name: 'an unknown image', request: get(`/images/${nowhere}`), reply: notFound },
    {
      name: 'an image that waits',
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
          error: { code: 'image-corrupt', detail: 'It is <not> to be had.' },
        },
        noStore,
      ),
    },
    {
      name: 'the head of a finished image',
      before: { status: 'ready' },
      request: head('/images/<id>'),
      reply: { status: 200, headers: { ...noStore, ...json }, body: '' },
    },
    ...['..%2f..', '..%5c<id>', '%2e%2e', '%2500'].map((id) => ({
      name: `an image with the id ${id}, which no path may hold`,
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
      reply: problem(500, 'internal-error', 'Please try again in a moment.'),
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
        name: `a link${variant} to an image that waits`,
        before: { status: 'received' } as const,
        request: get(`/thumbnails/<id>${variant}`),
        reply: jsonReply(202, receivedJpeg(bytes), comeAgain),
      },
    ]),
    {
      name: 'the head of a link',
      before: { status: 'ready' },
      request: head('/thumbnails/<id>'),
      reply: {
        status: 302,
        headers: { 'cache-control': 'private, max-age=<59 minutes>', location: url },
        body: '',
      },
    },
    {
      name: 'a link to an image that waits, in a browser',
      before: { status: 'received' },
      request: get('/thumbnails/<id>', browser),
      reply: {
        status: 202,
        headers: { ...comeAgain, ...html },
        body: String(
          page('Creating the thumbnail', 'This page shows the thumbnail as soon as it is ready.', 1),
        ),
      },
    },
    ...failures.map((code) => ({
      name: `a link to an image that failed: ${code}`,
      before: failed(code),
      request: get('/thumbnails/<id>'),
      reply: { ...problem(422, code, 'It is <not> to be had.', { headers: noStore }) },
    })),
    {
      name: 'a link to an image that failed, in a browser',
      before: failed('image-corrupt'),
      request: get('/thumbnails/<id>', browser),
      reply: {
        status: 422,
        headers: { ...noStore, ...html },
        body: String(page('The image is damaged', 'It is <not> to be had.')),
      },
    },
    { name: 'a link to an unknown image', request: get(`/thumbnails/${nowhere}`), reply: notFound },
    { name: 'a link without a hash', request: get('/thumbnails/x'), reply: wrongId },
    {
      name: 'a link to a variant that there is not',
      before: { status: 'ready' },
      request: get('/thumbnails/<id>/huge'),
      reply: problem(404, 'unknown-variant', 'There is no such variant. There are: thumbnail.', {
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
          extensions: [createMailExtension('mail-requests', [], new DynamoDBClient())],
        }),
      ),
    },
    {
      name: 'the head of the description',
      request: head('/openapi.json'),
      reply: { status: 200, headers: json, body: '' },
    },

    // What no route has
    { name: 'an unknown path', request: get('/upload'), reply: noRoute },
    { name: 'a path too long', request: get(`/thumbnails/${nowhere}/thumbnail/more`), reply: noRoute },
    { name: 'a look at uploads', request: get('/upload_image'), reply: allow('POST', 'GET') },
    {
      name: 'a PUT of an image',
      request: { method: 'PUT', path: '/upload_image', body: 'x' },
      reply: allow('POST', 'PUT'),
    },
    {
      name: 'a DELETE of an image',
      request: { method: 'DELETE', path: `/images/${nowhere}` },
      reply: allow('GET', 'DELETE'),
    },
    {
      name: 'a POST to a link',
      request: { method: 'POST', path: `/thumbnails/${nowhere}` },
      reply: allow('GET', 'POST'),
    },
  ];
};
