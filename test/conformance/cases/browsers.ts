import { readClient } from '../../../lambdas/ingest/web-files.ts';
import type { ApiReply, ApiRequest } from '../exchange.ts';
import {
  appOrigin,
  type Case,
  failed,
  get,
  head,
  jsonReply,
  link,
  markBytes,
  noStore,
  problem,
  ready,
  receivedJpeg,
  upload,
  url,
} from './case.ts';

const boundary = 'a-boundary-of-a-browser';

const part = (name: string, content: string, filename?: string): string =>
  [
    `--${boundary}`,
    `Content-Disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}`,
    ...(filename === undefined ? [] : ['Content-Type: image/jpeg']),
    '',
    `${content}\r\n`,
  ].join('\r\n');

const form = (
  parts: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): Pick<Case, 'request'> =>
  upload({
    headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}`, ...headers },
    body: `${parts.join('')}--${boundary}--\r\n`,
  });

const wrongForm = (detail: string): ApiReply => problem(400, 'invalid-request', detail, { field: 'file' });

const refused = (what: string): ApiReply =>
  problem(
    415,
    'unsupported-type',
    `The body is ${what}. Send the file itself: curl --data-binary @photo.jpg`,
  );

const body = (text: string, contentType = 'image/jpeg'): Pick<Case, 'request'> =>
  upload({ body: text, headers: { 'Content-Type': contentType } });

/** What an `<img>` of Chromium accepts. */
const img = { Accept: 'image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8' };

const picture = (status: number, title: string, kind: 'pending' | 'failed', size: string, blurred = '') => {
  const symbols = {
    pending: '<circle r="2.6" cx="-10"/><circle r="2.6"/><circle r="2.6" cx="10"/>',
    failed:
      '<path d="M-12 9l7-7 5 5 5-7 7 8M-14-11h28v22h-28zM-16-13l32 26" fill="none" stroke="#8b8796" stroke-width="2"/>',
  };
  return {
    status,
    headers: { ...noStore, 'content-type': 'image/svg+xml' },
    body: `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">
<title>${title}</title>
<rect width="100%" height="100%" fill="#e9e7ef"/>${blurred}
<svg x="50%" y="50%" overflow="visible" fill="#8b8796">${symbols[kind]}</svg>
</svg>
`,
  };
};

const preflight = (origin: string): ApiRequest => ({
  method: 'OPTIONS',
  path: '/upload_image',
  headers: {
    Origin: origin,
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'authorization,content-digest,prefer',
  },
});

const corsOf = (origin: string) => ({
  'access-control-allow-origin': origin,
  'access-control-expose-headers': 'Link,Location,Preference-Applied,Retry-After,WWW-Authenticate',
});

/** While no worker runs, so that pending images stay pending. */
export const createBrowserCases = (photo: Buffer): readonly Case[] => {
  const bytes = photo.byteLength + markBytes;
  const file = part('file', '<image>', 'photo.jpg');
  return [
    // Forms
    { name: 'a form', ...form([file]), reply: jsonReply(202, receivedJpeg(bytes)) },
    {
      name: 'a form with other fields',
      ...form([part('album', 'Lakes'), file]),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },
    {
      name: 'a form of a browser without a script',
      ...form([file], { Accept: 'text/html,*/*;q=0.8' }),
      reply: { status: 303, headers: { location: link }, body: '' },
    },
    {
      name: 'a form for an image that is ready',
      before: { status: 'ready' },
      ...form([file]),
      reply: jsonReply(200, ready),
    },
    {
      name: 'a form without a file',
      ...form([part('album', 'Lakes')]),
      reply: wrongForm('The form has no file. Send one: curl --form file=@photo.jpg'),
    },
    {
      name: 'a form in which no file was chosen',
      ...form([part('file', '', '')]),
      reply: wrongForm('The form has no file. Send one: curl --form file=@photo.jpg'),
    },
    {
      name: 'a form with two files',
      ...form([file, file]),
      reply: wrongForm('The form has 2 files. Send each in a request of its own.'),
    },
    {
      name: 'a form with another boundary than the header says',
      ...form([file], { 'Content-Type': 'multipart/form-data; boundary=another' }),
      reply: wrongForm('The form is incomplete, or its boundary is not the one in Content-Type.'),
    },
    {
      name: 'a form with an empty image',
      ...form([part('file', '', 'photo.jpg')]),
      reply: problem(400, 'empty-body', 'The request has no body: send the image as the body.'),
    },
    {
      name: 'a form with a file that is not an image',
      ...form([part('file', 'hello', 'photo.jpg')]),
      reply: problem(
        415,
        'unsupported-type',
        'The image is text. Accepted are JPEG, PNG, WebP, GIF, AVIF, TIFF, HEIC.',
      ),
    },
    {
      name: 'a form with a field that is too large',
      ...form([part('album', 'x'.repeat(150_000)), file]),
      reply: problem(
        413,
        'body-too-large',
        'The image is too large for one request, which takes 0.1 MB. POST /dev/uploads takes images of up to 5 MB.',
      ),
    },

    // Bodies that contain an image in a wrapping
    {
      name: 'JSON',
      ...body('{"image":"/9j/4AAQ"}', 'application/json'),
      reply: refused('JSON, not an image'),
    },
    {
      name: 'a data URI',
      ...body('data:image/jpeg;base64,/9j/4AAQSkZJRg=='),
      reply: refused('a data URI, which is text'),
    },
    {
      name: 'base64',
      ...body('/9j/4AAQSkZJRgABAQAAAQABAAD/'),
      reply: refused('the image in base64, which is text'),
    },
    {
      name: 'the name of a file',
      ...body('@photo.jpg', 'application/x-www-form-urlencoded'),
      reply: refused('the name of a file'),
    },
    {
      name: 'a form without the boundary in its header',
      ...body('--x\r\nContent-Disposition: form-data; name="file"', 'multipart/form-data'),
      reply: refused('a form whose Content-Type has no boundary'),
    },
    {
      name: 'an image that claims to be a form',
      ...upload({ headers: { 'Content-Type': 'multipart/form-data' } }),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },
    {
      name: 'a form that is not multipart',
      ...body('file=photo.jpg', 'application/x-www-form-urlencoded'),
      reply: refused('an HTML form without enctype="multipart/form-data"'),
    },

    // The hash of the bytes
    {
      name: 'bytes that match their digest',
      ...upload({ headers: { 'Content-Digest': 'sha-256=:<checksum>:' } }),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },
    {
      name: 'bytes that changed on the way',
      ...upload({ headers: { 'Content-Digest': `sha-256=:${'A'.repeat(43)}=:` } }),
      reply: problem(
        422,
        'checksum-mismatch',
        `The received bytes have SHA-256 <id>, and Content-Digest says ${'0'.repeat(64)}. Send the image again.`,
      ),
    },
    {
      name: 'a digest of another algorithm',
      ...upload({ headers: { 'Content-Digest': 'md5=:AAAA:' } }),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },

    // Links in an <img>
    {
      name: 'an <img> of an image that is ready',
      before: { status: 'ready' },
      request: get('/thumbnails/<id>', img),
      reply: {
        status: 302,
        headers: { location: url, 'cache-control': 'private, max-age=<59 minutes>' },
        body: '',
      },
    },
    {
      name: 'an <img> of an image that failed',
      before: failed('image-corrupt'),
      request: get('/thumbnails/<id>', img),
      reply: picture(422, 'The image is damaged', 'failed', 'width="320" height="240"'),
    },
    {
      name: 'an <img> of an unknown image',
      request: get(`/thumbnails/${'0'.repeat(64)}`, img),
      reply: picture(404, 'No such resource', 'failed', 'width="320" height="240"'),
    },
    {
      name: 'an <img> of an image that stays pending',
      before: { status: 'received' },
      request: get('/thumbnails/<id>', img),
      reply: picture(202, 'The thumbnail is not ready', 'pending', 'width="320" height="320"'),
    },

    // Pages of other origins
    {
      name: 'a preflight request from a page that may use the API',
      request: preflight(appOrigin),
      reply: {
        status: 204,
        headers: {
          ...corsOf(appOrigin),
          'access-control-allow-headers': 'authorization,content-digest,prefer',
          'access-control-allow-methods': 'GET,HEAD,POST,DELETE',
          'access-control-max-age': '7200',
        },
        body: '',
      },
    },
    {
      name: 'an upload from a page that may use the API',
      ...upload({ headers: { Origin: appOrigin } }),
      reply: jsonReply(202, receivedJpeg(bytes), corsOf(appOrigin)),
    },
    {
      name: 'an error for a page that may use the API',
      request: get('/images/x', { Origin: appOrigin }),
      reply: problem(
        400,
        'invalid-request',
        'An id is 64 lower-case hexadecimal digits: the SHA-256 of the image.',
        { field: 'id', headers: corsOf(appOrigin) },
      ),
    },

    // The client
    {
      name: 'the client',
      request: get('/client.js'),
      reply: {
        status: 200,
        headers: {
          'content-type': 'text/javascript; charset=utf-8',
          'cache-control': 'public, max-age=300',
          'access-control-allow-origin': '*',
        },
        body: readClient(),
      },
    },
    {
      name: 'a HEAD of the page',
      request: head('/'),
      reply: {
        status: 200,
        headers: { 'content-type': 'text/html; charset=UTF-8', 'cache-control': 'no-cache' },
        body: '',
      },
    },
  ];
};
