import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdtempSync, readdirSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { openUnnamedFile } from '../../../../lambdas/resize/decoder/unnamed-file.ts';

/** Counts the files that it sees in its folder until its input ends. */
const watcher = `
  const { readdirSync } = require('node:fs');
  let seen = 0;
  let isDone = false;
  process.stdin.on('end', () => { isDone = true; }).resume();
  const look = () => {
    for (let count = 0; count < 200; count += 1) seen += readdirSync(process.argv[1]).length;
    if (isDone) process.stdout.write(String(seen));
    else setImmediate(look);
  };
  process.stdout.write('ready ', look);
`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thumbnail-generator-unnamed-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('stores what is written to it, without a name', () => {
  const file = openUnnamedFile(folder);
  writeSync(file, 'an image', 0);
  const bytes = Buffer.alloc(8);
  readSync(file, bytes, 0, 8, 0);
  expect(bytes.toString()).toBe('an image');
  expect(fstatSync(file)).toMatchObject({ nlink: 0 });
  expect(fstatSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual([]);
  closeSync(file);
});

// On other systems it has a name for a moment.
(process.platform === 'linux' ? test : test.skip)(
  'is not seen by a process that lists its folder in a loop',
  async () => {
    const child = spawn(process.execPath, ['--eval', watcher, folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    await once(child.stdout, 'data');
    for (let count = 0; count < 2000; count += 1) {
      closeSync(openUnnamedFile(folder));
      if (count % 50 === 0) await turn();
    }
    child.stdin.end();
    await once(child, 'close');
    expect(out).toBe('ready 0');
  },
);
