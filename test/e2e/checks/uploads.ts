import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { corruptJpeg, svg } from '../../images.ts';
import { replySchema } from '../../reply.ts';
import {
  eventuallyShownAt,
  expectProblem,
  replyOf,
  secondsUntil,
  settled,
  shownAt,
  shownReplyOf,
  uploadAndWait,
} from '../api.ts';
import { runCurl } from '../curl.ts';
import { check } from '../deployment.ts';
import { coloursOf, smallPhoto } from '../photo.ts';

/** `POST /upload_image` and `GET /images/{id}`. */
export const checkUploads = (): void => {
  check('replies to the curl command with a URL that shows the thumbnail', async (deployment) => {
    const { folder, emulator, main, photo } = deployment;
    writeFileSync(join(folder, 'photo.jpg'), photo);
    const curl = `curl --request POST -H "Content-Type: image/jpg" --data-binary "@photo.jpg" ${main.api.uploadUrl}`;
    const { status, body } = await runCurl(deployment, curl);

    expect([status, body]).toEqual([202, expect.any(String)]);
    const reply = replySchema.parse(JSON.parse(body));
    const { url = '', expiresAt = '' } = reply;
    expect(reply).toEqual({
      id: imageIdOf(photo),
      status: 'received',
      url,
      expiresAt,
      link: expect.stringMatching(new RegExp(`^https://.*/dev/thumbnails/${imageIdOf(photo)}$`)),
      thumbnails: {
        thumbnail: { url, contentType: 'image/webp' },
        square: { url: expect.stringContaining('/square/'), contentType: 'image/jpeg' },
      },
      original: { contentType: 'image/jpeg', bytes: photo.length },
    });
    const pathOf = (apiUrl: string) => new URL(emulator.urlOf(apiUrl)).pathname;
    expect(pathOf(reply.link)).toBe(
      new URL(main.api.uploadUrl).pathname.replace('upload_image', `thumbnails/${reply.id}`),
    );
    expect(secondsUntil(expiresAt)).toBeGreaterThan(3500);
    expect(secondsUntil(expiresAt)).toBeLessThanOrEqual(3600);

    const { bytes, headers } = await eventuallyShownAt(url);
    expect(headers.get('Content-Type')).toBe('image/webp');
    expect(headers.get('Cache-Control')).toBe('private, max-age=31536000, immutable');
    const { format, width, height, orientation, exif, xmp, icc } = await sharp(bytes).metadata();
    expect({ format, width, height }).toEqual({ format: 'webp', width: 240, height: 320 });
    expect({ orientation, exif, xmp, icc }).toEqual({});
    expect(await coloursOf(bytes)).toEqual(['red', 'green', 'blue', 'white']);
  });

  check(
    'stores the original unchanged, with its true type instead of the stated one',
    async ({ account, main, photo }) => {
      const original = [main.outputs.RawBucketName, `raw/${imageIdOf(photo)}`] as const;
      expect(await account.object(...original)).toMatchObject({ contentType: 'image/jpeg' });
      expect(imageIdOf(await account.bytesOf(...original))).toBe(imageIdOf(photo));
    },
  );

  check('waits for the thumbnails on request, and then replies with everything', async ({ main }) => {
    const photo = await smallPhoto(60);
    const response = await main.api.upload(photo, { Prefer: 'wait=20' });
    expect(response.headers.get('Preference-Applied')).toBe('wait=20');
    const reply = await shownReplyOf(response, 200);
    expect(reply).toMatchObject({
      status: 'ready',
      thumbhash: expect.stringMatching(/^[\w+/]{20,}={0,2}$/),
      original: { contentType: 'image/jpeg', width: 480, height: 640, bytes: photo.length },
      thumbnails: {
        thumbnail: { url: reply.url, contentType: 'image/webp', width: 240, height: 320 },
        square: { contentType: 'image/jpeg', width: 96, height: 96 },
      },
    });
    for (const { url, contentType, ...facts } of Object.values(reply.thumbnails)) {
      const { bytes, headers } = await shownAt(url);
      expect(headers.get('Content-Type')).toBe(contentType);
      const { width, height } = await sharp(bytes).metadata();
      expect(facts).toEqual({ width, height, bytes: bytes.length });
    }
  });

  check('signs URLs with a role that is assumed for an hour', async ({ main }) => {
    const { url, expiresAt, thumbnails } = await uploadAndWait(main.api, await smallPhoto(60));
    expect(secondsUntil(expiresAt)).toBeLessThanOrEqual(3600);
    for (const signed of [url, ...Object.values(thumbnails).map((thumbnail) => thumbnail.url)]) {
      const query = new URL(signed).searchParams;
      expect(query.get('X-Amz-Security-Token')).toMatch(/\w{20}/);
      // A temporary access key starts with ASIA (IAM User Guide, "IAM identifiers").
      expect(query.get('X-Amz-Credential')).toMatch(/^ASIA/);
    }
  });

  check('replies to the same image immediately, without storing or resizing it again', async (deployment) => {
    const { account, main, photo } = deployment;
    const original = () => account.object(main.outputs.RawBucketName, `raw/${imageIdOf(photo)}`);
    const first = await original();
    const again = await shownReplyOf(await main.api.upload(photo), 200);
    expect(again).toMatchObject({
      id: imageIdOf(photo),
      status: 'ready',
      thumbnails: { thumbnail: { width: 240, height: 320 } },
    });
    await shownAt(again.url);
    expect(await original()).toEqual(first);
    expect(await main.logLines('ResizeFunction', again.id)).toEqual([
      expect.stringContaining('"message":"thumbnails stored"'),
    ]);
  });

  check('stores and resizes a photo once that is uploaded 20 times at the same moment', async ({ main }) => {
    const photo = await smallPhoto(61);
    // Starts as many functions first, so that all uploads overlap.
    await Promise.all(Array.from({ length: 20 }, () => main.api.get('/openapi.json')));
    const responses = await Promise.all(Array.from({ length: 20 }, () => main.api.upload(photo)));
    for (const response of responses) {
      expect([200, 202]).toContain(response.status);
      expect(await replyOf(response, response.status)).toMatchObject({ id: imageIdOf(photo) });
    }
    expect(await settled(main.api, imageIdOf(photo))).toMatchObject({ status: 'ready' });
    // Every write of an original is an event, and resize logs a line for each.
    expect(await main.logLines('ResizeFunction', imageIdOf(photo))).toEqual([
      expect.stringContaining('"message":"thumbnails stored"'),
    ]);
  });

  check('replies with only the URL if plain text is requested', async ({ main, photo }) => {
    const text = await (await main.api.upload(photo, { Accept: 'text/plain' })).text();
    expect(text).toMatch(/^http\S+\n$/);
    await shownAt(text.trim());
  });

  for (const [what, body, status, code, detail] of [
    ['an empty body', Buffer.alloc(0), 400, 'empty-body', 'body'],
    ['SVG', svg(), 415, 'unsupported-type', 'SVG'],
    ['a body over the limit', Buffer.alloc(4_700_001, 0xff), 413, 'body-too-large', '/dev/uploads'],
  ] as const) {
    check(`refuses ${what} with ${status} ${code}`, async ({ main }) => {
      await expectProblem(await main.api.upload(body), { status, code }, detail);
    });
  }

  check('returns the record of an image', async ({ main, photo }) => {
    const response = await main.api.get(`/images/${imageIdOf(photo)}`);
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    const uploaded = await replyOf(await main.api.upload(photo), 200);
    const known = await replyOf(response, 200);
    // Each reply has new signatures.
    const withoutUrls = ({ thumbnails, url: _, expiresAt: __, ...facts }: typeof known) => ({
      ...facts,
      thumbnails: Object.values(thumbnails).map(({ url: _, ...thumbnail }) => thumbnail),
    });
    expect(withoutUrls(known)).toEqual(withoutUrls(uploaded));
  });

  check('refuses an unknown image with 404, a malformed id with 400', async ({ main }) => {
    const unknown = await main.api.get(`/images/${'0'.repeat(64)}`);
    await expectProblem(unknown, { status: 404, code: 'not-found' });
    const malformed = await main.api.get('/images/9F86');
    await expectProblem(malformed, { status: 400, code: 'invalid-request', field: 'id' });
  });

  check('records a broken image once, with its reason, and does not retry it', async (deployment) => {
    const { account, main } = deployment;
    const broken = await shownReplyOf(await main.api.upload(corruptJpeg()), 202);
    const failed = await settled(main.api, broken.id);
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'image-corrupt' }, thumbnails: {} });
    expect(failed.url).toBeUndefined();
    await expectProblem(await main.api.upload(corruptJpeg()), {
      status: 422,
      code: 'image-corrupt',
    });
    expect(await main.logLines('ResizeFunction', broken.id)).toEqual([
      expect.stringContaining('"code":"image-corrupt"'),
    ]);
    expect(await account.messagesIn(main.outputs.ResizeDeadLetterQueueUrl)).toBe(0);

    const response = await fetch(broken.url);
    expect([response.status, await response.text()]).toEqual([404, expect.stringContaining('NoSuchKey')]);
  });

  check('describes itself as OpenAPI 3.1, with its own URL', async (deployment) => {
    const { emulator, main } = deployment;
    const response = await main.api.get('/openapi.json');
    expect(response.status).toBe(200);
    const description: unknown = await response.json();
    expect(description).toMatchObject({
      openapi: expect.stringMatching(/^3\.1\./),
      servers: [{ url: expect.stringMatching(/^https:\/\/.*\/dev$/) }],
      paths: { '/upload_image': { post: expect.anything() }, '/images/{id}': { get: expect.anything() } },
    });
    const [server] = JSON.stringify(description).match(/https:[^"]*\/dev(?=")/) ?? [''];
    expect(`${emulator.urlOf(server)}/upload_image`).toBe(main.api.uploadUrl);
  });

  check('replies 404 to an unknown path', async ({ main }) => {
    expect((await main.api.get('/admin')).status).toBe(404);
  });
};
