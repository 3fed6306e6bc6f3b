import * as z from 'zod';
import { ingestContainerEnvironment } from '../../containers/environment.ts';
import { writeVariables } from '../../lambdas/runtime/environment.ts';
import { readSettings } from '../../lib/settings.ts';
import { environmentsFor } from '../../local/environments.ts';
import { endpointOf, isListening, portsFrom } from '../../local/ports.ts';
import { credentialsOf } from '../local/aws-clients.ts';
import { startServicesAt } from '../local/embedded-services.ts';
import { freePort, until } from '../local/local-run.ts';
import { cleanUp, type Running, resume, startNode, suspend, temporaryFolder } from '../local/processes.ts';
import { post } from '../local/uploads.ts';

jest.setTimeout(60_000);

let services: Running;
let ingest: Running;
let origin: string;

const ask = async (path: string) => {
  const response = await fetch(`${origin}${path}`);
  return { status: response.status, body: await response.json() };
};

beforeAll(async () => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const ports = portsFrom(port);
  origin = endpointOf(port);
  services = await startServicesAt({ folder, port }, 30);
  const { ingest: given } = environmentsFor(ports, readSettings({}), credentialsOf({ folder, ports }));
  const environment = { ...given, ...writeVariables(ingestContainerEnvironment, { drainSeconds: 2 }) };
  ingest = startNode('containers/ingest.ts', { folder, environment });
  await until('ingest', async () => (await isListening(port)) || undefined);
});
afterAll(cleanUp);

/** The tests follow one process from start to end. */

test('is ready while it reaches the catalog and the raw bucket', async () => {
  expect(await ask('/ready')).toEqual({ status: 200, body: { ready: true } });
  expect(await ask('/health')).toEqual({ status: 200, body: { healthy: true } });
});

test('has no probes below the stage and in its description', async () => {
  expect(await ask('/dev/ready')).toMatchObject({ status: 404, body: { code: 'not-found' } });
  expect(await ask('/dev/health')).toMatchObject({ status: 404, body: { code: 'not-found' } });
  const description = z.object({ paths: z.record(z.string(), z.unknown()) });
  const paths = Object.keys(description.parse((await ask('/dev/openapi.json')).body).paths);
  expect(paths).toContain('/upload_image');
  expect(paths.filter((path) => /health|ready/.test(path))).toEqual([]);
});

test('is healthy, but not ready while its dependencies do not respond, and ready again afterwards', async () => {
  // GIVEN suspended emulators
  suspend(services.pid);
  // WHEN
  const notReady = await until('the end of what is remembered', async () => {
    const answer = await ask('/ready');
    return answer.status === 503 ? answer : undefined;
  });
  // THEN
  expect(notReady.body).toEqual({ ready: false, failed: ['catalog', 'rawBucket'] });
  expect((await ask('/health')).status).toBe(200);
  // WHEN
  resume(services.pid);
  // THEN
  await until('readiness', async () => (await ask('/ready')).status === 200 || undefined);
});

test('is not ready after SIGTERM, but answers requests until it ends', async () => {
  // GIVEN a process that was ready a moment ago
  expect((await ask('/ready')).status).toBe(200);
  // WHEN
  const exit = ingest.end('SIGTERM');
  await until('SIGTERM', () => ingest.out().includes('ingest stops') || undefined);
  // THEN
  expect(await ask('/ready')).toEqual({ status: 503, body: { ready: false, reason: 'stopping' } });
  expect((await ask('/health')).status).toBe(200);
  expect((await post(`${origin}/dev/upload_image`, Buffer.from('hello'))).status).toBe(415);
  expect(await exit).toBe(0);
});
