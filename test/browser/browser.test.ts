import { mkdirSync, readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import * as z from 'zod';
import { endpointOf } from '../../local/ports.ts';
import { corruptJpeg } from '../images.ts';
import { freePort, type LocalRun, startLocal } from '../local/local-run.ts';
import { cleanUp, resume, suspend, temporaryFolder } from '../local/processes.ts';
import { launchChromium } from './chromium.ts';

/** Where the screenshots are stored, for a person to look at. */
const screenshots = '.tmp/browser';
const replySchema = z.object({ url: z.string(), link: z.string() });

let local: LocalRun;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  mkdirSync(screenshots, { recursive: true });
  local = startLocal({ folder: await temporaryFolder(), port: await freePort() });
  await local.ready();
  browser = await launchChromium();
  page = await browser.newPage({ viewport: { width: 480, height: 400 } });
});

afterAll(async () => {
  await browser?.close();
  await local?.end('SIGTERM');
  await cleanUp();
});

const upload = async (body: Buffer, headers: Record<string, string> = {}) => {
  const response = await fetch(local.uploadUrl, { method: 'POST', body, headers });
  return replySchema.parse(await response.json());
};

/** The natural size of the picture on the page. */
const shownSize = async () =>
  await page.evaluate('[document.images[0].naturalWidth, document.images[0].naturalHeight]');

const expectSamplePhotoUpright = async (name: string) => {
  expect(await shownSize()).toEqual([240, 320]);
  const path = `${screenshots}/${name}.png`;
  await page.screenshot({ path });
  // The picture is centred on the page, with the sky above and the dark shore below.
  const brightness = async (left: number, top: number) => {
    const part = sharp(path).extract({ left, top, width: 60, height: 20 });
    const [level] = await part.resize(1, 1, { fit: 'fill' }).greyscale().raw().toBuffer();
    return level;
  };
  expect(await brightness(220, 60)).toBeGreaterThan(110);
  expect(await brightness(125, 335)).toBeLessThan(50);
};

test('shows the sample photo upright at the URL of the reply', async () => {
  const { url } = await upload(readFileSync('photo.jpg'), { Prefer: 'wait=20' });
  await page.goto(url);
  await expectSamplePhotoUpright('thumbnail');
});

test('a link that is opened too early shows a page, which then shows the thumbnail', async () => {
  const resize = await local.pidOf('resize');
  suspend(resize);
  // One more byte after the picture's end makes it a new image.
  const { link } = await upload(Buffer.concat([readFileSync('photo.jpg'), Buffer.from('.')]));
  await page.goto(link);
  expect(await page.locator('h1').textContent()).toBe('Creating the thumbnail');
  await page.screenshot({ path: `${screenshots}/being-made.png` });
  resume(resize);
  await page.waitForURL(/X-Amz-Signature/);
  await expectSamplePhotoUpright('link');
});

test('the link of a broken image shows why there is no thumbnail', async () => {
  const response = await fetch(local.uploadUrl, { method: 'POST', body: corruptJpeg() });
  const { link } = replySchema.parse(await response.json());
  const violations: string[] = [];
  page.on('console', (message) => violations.push(message.text()));
  await page.goto(link);
  await page.getByText(/nothing of its picture can be shown|ends before its picture begins/).waitFor();
  // The page's content security policy allows only its own style.
  expect(await page.evaluate('getComputedStyle(document.body).display')).toBe('grid');
  await page.addScriptTag({ content: 'document.title = "run"' }).catch(() => {});
  expect(await page.title()).toBe('The image is damaged');
  expect(violations.filter((text) => /style/.test(text))).toEqual([]);
  await page.screenshot({ path: `${screenshots}/broken.png` });
  expect(await page.locator('h1').textContent()).toBe('The image is damaged');
});

test('shows the mail with its preview, and its button opens the thumbnail', async () => {
  await upload(readFileSync('photo.jpg'), { 'X-Notify-Email': 'me@example.com' });
  await page.setViewportSize({ width: 900, height: 1000 });
  await page.goto(endpointOf(local.ports.mail));
  await page.getByRole('button', { name: 'Toggle HTML view' }).click();
  const mail = page.frameLocator('iframe');
  await mail.getByRole('heading', { name: 'Your thumbnail is ready' }).waitFor();
  const preview = mail.getByAltText('Preview of the thumbnail');
  expect(
    await preview.evaluate((image) =>
      ['naturalWidth', 'naturalHeight'].map((name) => Reflect.get(image, name)),
    ),
  ).toEqual([180, 240]);
  await page.screenshot({ path: `${screenshots}/mail.png` });
  await page.goto((await mail.getByRole('link').first().getAttribute('href')) ?? '');
  await page.setViewportSize({ width: 480, height: 400 });
  await expectSamplePhotoUpright('from-mail');
});
