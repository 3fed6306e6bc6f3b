import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

/**
 * What code that took over a decoder might try. The test imports it from the entry file of the decoder. It
 * starts when the folder for temporary files contains a file `attack`, and writes a report there.
 */

/** "possible", or the code of the error. */
type Outcome = string;

const folder = process.env['TMPDIR'] ?? '';
const app = join(import.meta.dirname, '../../..');
const worker = process.ppid;

const attempt = (act: () => unknown): Outcome => {
  try {
    act();
    return 'possible';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
};

/** One outcome if all attempts have the same, otherwise each different outcome. */
const attempts = (acts: readonly (() => unknown)[]): Outcome => [...new Set(acts.map(attempt))].join();

/** Opens a file and reads a byte of it, if it has one. */
const read = (path: string): void => {
  const file = openSync(path, 'r');
  try {
    readSync(file, Buffer.alloc(1));
  } finally {
    closeSync(file);
  }
};

const openForWriting = (path: string): void => closeSync(openSync(path, 'r+'));

const parentOf = (pid: string): number => {
  try {
    // After the name in parentheses: the state and the parent.
    return Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[1]);
  } catch {
    return 0;
  }
};

const otherDecoders = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && parentOf(name) === worker)
    .map(Number);

const connectTo = (url: string): Promise<Outcome> => {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.destroy();
      resolve('possible');
    });
    socket.once('error', (error) => resolve('code' in error ? String(error.code) : error.message));
  });
};

const insideOf = (whose: string, pids: readonly number[]): Readonly<Record<string, Outcome>> => {
  const paths = (...names: readonly string[]) =>
    pids.flatMap((pid) => names.map((name) => `/proc/${pid}/${name}`));
  return {
    [`read the environment of ${whose}`]: attempts(paths('environ').map((path) => () => read(path))),
    [`read the memory of ${whose}`]: attempts(
      paths('mem', 'maps', 'smaps', 'auxv', 'stack', 'syscall').map((path) => () => read(path)),
    ),
    [`write the memory of ${whose}`]: attempts(paths('mem').map((path) => () => openForWriting(path))),
    [`list or open the files that ${whose} has open`]: attempts([
      ...paths('fd', 'fdinfo', 'map_files').map((path) => () => readdirSync(path)),
      ...paths('fd/0', 'fd/1', 'fd/2', 'fd/3', 'fd/4').map((path) => () => read(path)),
      ...paths('root', 'cwd', 'exe').map((path) => () => readlinkSync(path)),
    ]),
  };
};

const attack = async (): Promise<Readonly<Record<string, Outcome>>> => {
  const credentials = Object.keys(process.env).filter((name) => /^(?:AWS|ECS)_/.test(name));
  const images = readdirSync(folder).filter((name) => name.startsWith('image-'));
  const code = join(app, 'containers/resize.ts');
  return {
    'find credentials, or the address of any, in its own environment':
      credentials.length === 0 ? 'nothing found' : credentials.join(),
    ...insideOf('its worker', [worker]),
    ...insideOf('another decoder', otherDecoders()),
    'read the environment of the first process of the container': attempt(() => read('/proc/1/environ')),
    'find the image of another decoder in `/tmp`': images.length === 0 ? 'nothing found' : images.join(),
    'change the code of the service': attempts([
      () => appendFileSync(code, '//'),
      () => rmSync(code),
      () => renameSync(code, `${code}.old`),
      () => writeFileSync(join(app, 'node_modules/sharp/more.js'), ''),
      () => writeFileSync(join(app, 'more.ts'), ''),
    ]),
    'write anywhere else on the root file system': attempts([
      () => writeFileSync(join(app, '../more'), ''),
      () => writeFileSync(join(app, '../usr/more'), ''),
      () => writeFileSync(join(app, '../usr/local/more'), ''),
    ]),
    'read or replace the program of Node.js': attempts([
      () => read(process.execPath),
      () => openForWriting(process.execPath),
      () => rmSync(process.execPath),
    ]),
    'become root': attempts([() => process.setuid?.(0), () => process.setgid?.(0)]),
    'read the code of the service': attempt(() => read(code)),
    'see the command lines of other processes, and how many there are': attempts(
      [worker, ...otherDecoders()].map((pid) => () => read(`/proc/${pid}/cmdline`)),
    ),
    'read and write `/tmp`, until it is full': attempt(() =>
      writeFileSync(join(folder, `filled-${process.pid}`), 'x'),
    ),
    'connect to all that the network reaches': await connectTo(readFileSync(join(folder, 'attack'), 'utf8')),
  };
};

const sent = new Set<string>();

/** Sends the signal that the test requests in a file. */
const sendSignal = (): void => {
  const order = join(folder, `signal-${process.pid}`);
  if (!existsSync(order)) return;
  const text = readFileSync(order, 'utf8');
  // The file belongs to the test, and stays.
  if (sent.has(text)) return;
  sent.add(text);
  const [pid, signal] = text.split(' ');
  process.kill(Number(pid), signal);
  writeFileSync(join(folder, `sent-${process.pid}`), text);
};

let hasAttacked = false;
setInterval(async () => {
  sendSignal();
  if (hasAttacked || !existsSync(join(folder, 'attack'))) return;
  hasAttacked = true;
  const report = JSON.stringify({ worker, otherDecoders: otherDecoders(), outcomes: await attack() });
  // Renamed when it is complete: the test may read at any time.
  writeFileSync(join(folder, `writing-${process.pid}`), report);
  renameSync(join(folder, `writing-${process.pid}`), join(folder, `report-${process.pid}`));
}, 50);
