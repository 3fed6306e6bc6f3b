import { once } from 'node:events';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUp, project, startProcess } from '../local/processes.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thumbnail-generator-healthy-'));
  file = join(folder, 'heartbeat');
});
afterEach(async () => {
  await cleanUp();
  rmSync(folder, { recursive: true, force: true });
});

const check = (port: number) =>
  startProcess([process.execPath, 'containers/healthy.ts'], {
    folder: project,
    environment: { HEARTBEAT_FILE: file, PORT: String(port) },
  }).ended;

/** A server that replies with a status, or not at all. */
const serve = async (status: number | undefined) => {
  const server = createServer((_, response) => {
    if (status !== undefined) response.writeHead(status).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  return {
    port: address.port,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

test.each([
  [0, 200],
  [1, 503],
  [1, undefined],
])('exits with %s when ingest replies %s', async (code, status) => {
  const server = await serve(status);
  try {
    expect(await check(server.port)).toBe(code);
  } finally {
    server.stop();
  }
});

test('checks the age of the heartbeat of a worker, whatever listens', async () => {
  const server = await serve(200);
  try {
    writeFileSync(file, '');
    expect(await check(server.port)).toBe(0);
    const longAgo = new Date(Date.now() - 61_000);
    utimesSync(file, longAgo, longAgo);
    expect(await check(server.port)).toBe(1);
  } finally {
    server.stop();
  }
});

test('fails without a heartbeat and a server', async () => {
  const server = await serve(200);
  server.stop();
  expect(await check(server.port)).toBe(1);
});
