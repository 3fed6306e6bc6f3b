import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import * as z from 'zod';
import { freePort, type LocalRun, startLocal } from '../local/local-run.ts';
import { cleanUp, resume, suspend, temporaryFolder } from '../local/processes.ts';
import { launchChromium } from './chromium.ts';

/** People upload with the page, and applications with the client, in a real browser. */

/** Where the screenshots are stored, for a person to look at. */
const screenshots = '.tmp/browser';

let folder: string;
let local: LocalRun;
let browser: Browser;
/** A page of another origin, which may use the API. */
let app: Server;
let appOrigin: string;
let api: string;
const contexts: BrowserContext[] = [];

/** An uncompressed TIFF of noise. */
const noise = async (side: number): Promise<Buffer> =>
  sharp(randomBytes(side * side * 3), { raw: { width: side, height: side, channels: 3 } })
    .tiff({ compression: 'none' })
    .toBuffer();

const files: Record<'small' | 'medium' | 'large', string> = { small: '', medium: '', large: '' };

const portOf = (server: Server): number => z.object({ port: z.number() }).parse(server.address()).port;

beforeAll(async () => {
  mkdirSync(screenshots, { recursive: true });
  app = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><html lang="en"><title>An application</title><body></body></html>');
  });
  await once(app.listen(0, '127.0.0.1'), 'listening');
  appOrigin = `http://127.0.0.1:${portOf(app)}`;
  folder = await temporaryFolder();
  local = startLocal({
    folder,
    port: await freePort(),
    args: ['-c', `corsOrigins=${JSON.stringify([appOrigin])}`],
  });
  await local.ready();
  api = `http://127.0.0.1:${local.port}/dev`;
  const pictures = {
    small: await sharp({ create: { width: 90, height: 60, channels: 3, background: '#3388cc' } })
      .jpeg()
      .toBuffer(),
    // 4.6 MB are posted, 60 MB go straight to S3.
    medium: await noise(1238),
    large: await noise(4480),
  };
  for (const [name, bytes] of Object.entries(pictures)) {
    const path = join(folder, `${name}.${name === 'small' ? 'jpg' : 'tif'}`);
    writeFileSync(path, bytes);
    Object.assign(files, { [name]: path });
  }
  browser = await launchChromium();
});

afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
});

afterAll(async () => {
  await browser?.close();
  app?.close();
  await local?.end('SIGTERM');
  await cleanUp();
});

/** Opens a page, and collects what the browser complains about. */
const open = async (
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ readonly page: Page; readonly complaints: string[] }> => {
  const context = await browser.newContext({ viewport: { width: 1100, height: 900 }, ...options });
  contexts.push(context);
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(api).origin });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  return { page, complaints };
};

const chooser = (page: Page) => page.getByLabel('Choose images');
const done = (page: Page, count = 1) =>
  page
    .locator('li.done')
    .nth(count - 1)
    .waitFor({ timeout: 60_000 });

/** Whether each picture on the page was loaded. */
const brokenPictures = (page: Page) =>
  page.evaluate(
    'Promise.all([...document.images].map((image) => image.decode().then(() => 0, () => 1))).then((all) => all.reduce((sum, one) => sum + one, 0))',
  );

const axeSource = readFileSync(createRequire(import.meta.filename).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong. It runs outside of the page's content security policy. */
const expectAccessible = async (page: Page): Promise<void> => {
  const found = await page.evaluate(`${axeSource}; axe.run().then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`);
  expect(found).toEqual([]);
};

const shot = (page: Page, name: string) =>
  page.screenshot({ path: `${screenshots}/${name}.png`, fullPage: true });

/** Gives files to a page as a drop or a paste would. */
const handOver = async (page: Page, event: 'drop' | 'paste', path: string): Promise<void> => {
  const bytes = readFileSync(path).toString('base64');
  await page.evaluate(
    `(() => {
      const data = new DataTransfer();
      const bytes = Uint8Array.from(atob('${bytes}'), (character) => character.charCodeAt(0));
      data.items.add(new File([bytes], '${event}.image'));
      const event = '${event}' === 'drop'
        ? new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
        : new ClipboardEvent('paste', { clipboardData: data, bubbles: true });
      document.querySelector('.drop').dispatchEvent(event);
    })()`,
  );
};

test('the empty page is complete for everyone, on each screen, in light and dark', async () => {
  const screens: readonly (readonly [string, BrowserContextOptions])[] = [
    ['empty', {}],
    ['dark', { colorScheme: 'dark' }],
    ['phone', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }],
  ];
  for (const [name, options] of screens) {
    const { page, complaints } = await open(`${api}/`, options);
    await expectAccessible(page);
    await shot(page, `page-${name}`);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(complaints).toEqual([]);
  }
});

test('files of 1 KB, 4.6 MB and 60 MB are uploaded, and their progress never goes back', async () => {
  const { page, complaints } = await open(`${api}/`);
  await page.evaluate(`globalThis.seen = {}; new MutationObserver(() => {
    for (const bar of document.querySelectorAll('progress')) {
      (seen[bar.ariaLabel] ??= []).push(bar.position < 0 ? 2 : bar.value);
    }
  }).observe(document.querySelector('ul'), { subtree: true, childList: true, attributes: true, characterData: true })`);
  await chooser(page).setInputFiles([files.small, files.medium, files.large]);
  await done(page, 3);
  await page.waitForTimeout(500);
  expect(await brokenPictures(page)).toBe(0);
  await expectAccessible(page);
  await shot(page, 'page-done');
  const seen = z.record(z.string(), z.array(z.number())).parse(await page.evaluate('seen'));
  expect(Object.keys(seen)).toHaveLength(3);
  for (const values of Object.values(seen))
    expect(values).toEqual(values.toSorted((one, other) => one - other));
  expect(complaints).toEqual([]);
});

test.each(['drop', 'paste'] as const)('a %s uploads small and large files', async (event) => {
  const { page } = await open(`${api}/`);
  await handOver(page, event, files.small);
  await handOver(page, event, files.medium);
  await done(page, 2);
  expect(await brokenPictures(page)).toBe(0);
});

test('the keyboard alone is enough to upload and to copy the link', async () => {
  const { page } = await open(`${api}/`);
  await page.keyboard.press('Tab');
  const choosing = page.waitForEvent('filechooser');
  // On a busy machine the key could otherwise come before the focus, or before Chromium asks for files here.
  await page.waitForFunction('document.activeElement.matches("input[type=file]")');
  await page.keyboard.press('Space');
  await (await choosing).setFiles([files.small]);
  await done(page);
  await page.getByRole('button', { name: 'Copy link: small.jpg' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('Copied').waitFor();
  const link = z.string().parse(await page.evaluate('navigator.clipboard.readText()'));
  expect(link).toMatch(new RegExp(`^${api}/thumbnails/[0-9a-f]{64}$`));
  // The same picture, written into another page.
  const { page: other } = await open(appOrigin);
  await other.setContent(`<img src="${link}">`);
  expect(await brokenPictures(other)).toBe(0);
});

test('twenty files of which three are no images each end in a clear state', async () => {
  const { page } = await open(`${api}/`);
  const good = await Promise.all(
    Array.from({ length: 17 }, async (_, index) => ({
      name: `photo ${index}.jpg`,
      mimeType: 'image/jpeg',
      buffer: await sharp({ create: { width: 60 + index, height: 40, channels: 3, background: '#aa3355' } })
        .jpeg()
        .toBuffer(),
    })),
  );
  const bad = ['notes.txt', 'page.html', 'empty.jpg'].map((name, index) => ({
    name,
    mimeType: 'image/jpeg',
    buffer: Buffer.from(['hello', '<!doctype html>', ''][index] ?? ''),
  }));
  await chooser(page).setInputFiles([...good.slice(0, 9), ...bad, ...good.slice(9)]);
  await done(page, 17);
  await page.locator('li.failed').nth(2).waitFor();
  expect(await page.locator('li.failed .name').allTextContents()).toEqual([
    'notes.txt',
    'page.html',
    'empty.jpg',
  ]);
  expect(await page.locator('li.failed').first().textContent()).toContain('The image is text.');
  await expectAccessible(page);
  await shot(page, 'page-failed');
  const failed = page.locator('li.failed').first();
  await failed.getByRole('button', { name: 'Remove' }).click();
  expect(await page.locator('li').count()).toBe(19);
});

test('an upload can be cancelled and tried again', async () => {
  const ingest = await local.pidOf('ingest');
  const { page } = await open(`${api}/`);
  suspend(ingest);
  try {
    await chooser(page).setInputFiles([files.small]);
    await page.getByText('bytes of').waitFor();
    await expectAccessible(page);
    await shot(page, 'page-uploading');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Cancelled').waitFor();
  } finally {
    resume(ingest);
  }
  await page.getByRole('button', { name: 'Retry' }).click();
  await done(page);
});

test('a form without a script leads to the thumbnail', async () => {
  const { page } = await open(`${api}/`, { javaScriptEnabled: false });
  await page.locator('noscript input[type=file]').setInputFiles(files.small);
  await page.locator('noscript button').click();
  await page.waitForURL(/X-Amz-Signature/);
});

test('a page of another origin uploads with the client, and other origins are blocked', async () => {
  const uploadThere = (page: Page, size: number) =>
    page.evaluate(`import('${api}/client.js').then(({ upload }) => {
      const canvas = new OffscreenCanvas(90, 60);
      canvas.getContext('2d').fillRect(0, 0, 40, ${size % 60});
      return canvas.convertToBlob().then((blob) => upload(
        // Bytes after the end of a picture make it larger.
        new Blob([blob, new Uint8Array(${size})]),
        { api: '${api}' },
      ));
    }).then(({ status }) => status, ({ code }) => code)`);

  const { page: allowed } = await open(appOrigin);
  expect(await uploadThere(allowed, 1000)).toBe('ready');
  expect(await uploadThere(allowed, 4_600_000)).toBe('ready');
  expect(await uploadThere(allowed, 60_000_000)).toBe('ready');

  const { page: foreign } = await open(appOrigin.replace('127.0.0.1', 'localhost'));
  const posted = await foreign.evaluate(
    `fetch('${api}/upload_image', { method: 'POST', body: new Uint8Array(9) }).then(({ status }) => status, String)`,
  );
  expect(posted).toBe('TypeError: Failed to fetch');
});

test('an <img> written at the moment of the upload shows the thumbnail without a script', async () => {
  const resize = await local.pidOf('resize');
  const { page } = await open(appOrigin, { javaScriptEnabled: false });
  suspend(resize);
  const bytes = await sharp({ create: { width: 200, height: 100, channels: 3, background: '#22aa55' } })
    .png()
    .toBuffer();
  const reply = await fetch(local.uploadUrl, { method: 'POST', body: bytes });
  const { link } = z.object({ link: z.string() }).parse(await reply.json());
  setTimeout(() => resume(resize), 1000);
  await page.setContent(`<img src="${link}">`);
  const { width, height } = (await page.locator('img').boundingBox()) ?? {};
  expect([width, height]).toEqual([200, 100]);
});

test('an <img> of a failed image shows a placeholder', async () => {
  const reply = await fetch(local.uploadUrl, {
    method: 'POST',
    body: Buffer.from('\xff\xd8\xff broken', 'latin1'),
  });
  const { link } = z.object({ link: z.string() }).parse(await reply.json());
  const { page } = await open(appOrigin);
  await page.setContent(`<img src="${link}" alt="nothing">`);
  expect(await brokenPictures(page)).toBe(0);
  await shot(page, 'placeholder-failed');
});
