import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildSync } from 'esbuild';
import type { Browser } from 'playwright-core';
import { freePort, type LocalRun, startLocal } from '../local/local-run.ts';
import { cleanUp, project, temporaryFolder } from '../local/processes.ts';
import { launchChromium } from './chromium.ts';

/** The examples of docs/clients.md, exactly as printed but for the address. */

const run = promisify(execFile);

const printedApi = 'https://abc123.execute-api.us-east-2.amazonaws.com/dev';
const link = /\/dev\/thumbnails\/[0-9a-f]{64}$/;

let folder: string;
let local: LocalRun;
let browser: Browser;
let server: Server;
let origin: string;
/** What the server of another origin shows. */
let shown = { type: 'text/html', text: '' };

beforeAll(async () => {
  folder = await temporaryFolder();
  copyFileSync('photo.jpg', join(folder, 'photo.jpg'));
  for (const name of ['client.js', 'client.d.ts']) {
    copyFileSync(join('lambdas/ingest/web', name), join(folder, name));
  }
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  server = createServer((_, response) => {
    response.setHeader('Content-Type', shown.type);
    response.end(shown.text);
  }).listen(port, '127.0.0.1');
  local = startLocal({
    folder: await temporaryFolder(),
    port: await freePort(),
    args: ['-c', `corsOrigins=["${origin}"]`],
  });
  await local.ready();
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  server?.close();
  await local?.end('SIGTERM');
  await cleanUp();
});

/** The examples in one language, in their order. */
const examples = (language: string): readonly string[] => {
  const fence = '```';
  const blocks = readFileSync('docs/clients.md', 'utf8').matchAll(
    new RegExp(`${fence}${language}\n([^]*?)${fence}`, 'g'),
  );
  const api = `http://127.0.0.1:${local.port}/dev`;
  return [...blocks].map(([, code = '']) => code.replaceAll(printedApi, api));
};

const inShell = async (command: string): Promise<string> => {
  const { stdout } = await run('sh', ['-c', command], { cwd: folder, timeout: 60_000 });
  return stdout.trim();
};

const showing = async (text: string) => {
  shown = { type: 'text/html', text: `<!doctype html><title>An application</title>${text}` };
  const page = await browser.newPage();
  await page.goto(origin);
  return page;
};

test('curl: a form, and the link of a thumbnail', async () => {
  const [form = '', linkOnly = ''] = examples('sh');
  expect(JSON.parse(await inShell(form))).toMatchObject({ original: { contentType: 'image/jpeg' } });
  const printed = await inShell(linkOnly);
  expect(printed).toMatch(link);
  expect((await fetch(printed)).headers.get('Content-Type')).toBe('image/webp');
});

test('HTML: a form without a script leads to the thumbnail', async () => {
  const [form = ''] = examples('html');
  const page = await showing(form);
  await page.locator('input').setInputFiles('photo.jpg');
  await page.getByRole('button', { name: 'Upload' }).click();
  await page.waitForURL(/X-Amz-Signature/);
  expect(await page.evaluate('document.images[0].naturalHeight')).toBe(320);
});

test('JavaScript: the client in a page', async () => {
  const page = await showing(examples('html')[1] ?? '');
  await page.locator('input').setInputFiles('photo.jpg');
  await page.locator('img').waitFor();
  expect(await page.locator('img').getAttribute('src')).toMatch(link);
});

test('JavaScript: the client in Node.js', async () => {
  writeFileSync(join(folder, 'upload.js'), examples('js')[0] ?? '');
  const { stdout } = await run(process.execPath, ['upload.js'], { cwd: folder, timeout: 60_000 });
  expect(stdout.trim()).toMatch(link);
});

test('React: a component shows the thumbnail, or the problem', async () => {
  writeFileSync(join(folder, 'photo-upload.jsx'), examples('jsx')[0] ?? '');
  writeFileSync(
    join(folder, 'main.jsx'),
    `import { createRoot } from 'react-dom/client';
     import { PhotoUpload } from './photo-upload.jsx';
     createRoot(document.querySelector('main')).render(<PhotoUpload />);`,
  );
  const { outputFiles } = buildSync({
    entryPoints: [join(folder, 'main.jsx')],
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    nodePaths: [join(project, 'node_modules')],
  });
  const page = await showing(`<main></main><script type="module">${outputFiles[0]?.text ?? ''}</script>`);
  await page.locator('input').setInputFiles({
    name: 'notes.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('hello'),
  });
  expect(await page.getByRole('alert').textContent()).toContain('The image is text.');
  await page.locator('input').setInputFiles('photo.jpg');
  await page.locator('img').waitFor();
  expect(await page.locator('img').getAttribute('src')).toMatch(link);
  expect(await page.getByRole('alert').count()).toBe(0);
});

test('Python: the standard library alone', async () => {
  writeFileSync(join(folder, 'upload.py'), examples('python')[0] ?? '');
  expect(await inShell('python3 upload.py')).toMatch(link);
});

test('every example is tested', () => {
  const count = (readFileSync('docs/clients.md', 'utf8').match(/```\w+$/gm) ?? []).length;
  expect(count).toBe(['sh', 'html', 'js', 'jsx', 'python'].flatMap(examples).length);
  expect(count).toBe(7);
});
