import { setTimeout as sleep } from 'node:timers/promises';
import { ingestContainerEnvironment } from '../../containers/environment.ts';
import { imageIdOf } from '../../lambdas/image/id.ts';
import { ownerOfSubject } from '../../lambdas/owners/owner.ts';
import { createOwnerships } from '../../lambdas/owners/ownerships.ts';
import { writeEnvironment } from '../../lambdas/runtime/environment.ts';
import { readSettings } from '../../lib/settings.ts';
import { awsEnvironment, resources } from '../../local/aws.ts';
import { valuesFor } from '../../local/environments.ts';
import { isListening } from '../../local/ports.ts';
import { startIssuer } from '../issuer.ts';
import { rawRequest, sendRaw } from '../local/access-requests.ts';
import { credentialsOf } from '../local/aws-clients.ts';
import { startEmbeddedServices } from '../local/embedded-services.ts';
import { freePort, until } from '../local/local-run.ts';
import { cleanUp, type Running, startNode } from '../local/processes.ts';

jest.setTimeout(60_000);

/** A container with guarded images, public links and one image. */
let issuer: Awaited<ReturnType<typeof startIssuer>>;
let ingest: Running;
let port: number;
let id: string;

beforeAll(async () => {
  issuer = await startIssuer();
  const { folder, ports, aws } = await startEmbeddedServices(30);
  port = await freePort();
  const settings = readSettings({ auth: { jwt: { issuer: issuer.issuer, audience: ['thumbnails'] } } });
  const environment = {
    ...awsEnvironment(ports, credentialsOf({ folder, ports })),
    ...writeEnvironment(ingestContainerEnvironment, { ...valuesFor(ports, settings), port }),
  };
  ingest = startNode('containers/ingest.ts', { folder, environment });
  await until('ingest', async () => (await isListening(port)) || undefined);
  const bytes = Buffer.from('an image');
  id = imageIdOf(bytes);
  const owner = ownerOfSubject(issuer.issuer, 'somebody');
  await createOwnerships(resources.ownersTable, aws.dynamodb).claim(id, owner);
  await aws.catalog.receive(id, { bytes: bytes.byteLength }, new Date());
});
afterAll(async () => {
  issuer.stop();
  await cleanUp();
});

const lastRoute = async () => {
  // The line is logged after the reply.
  await sleep(30);
  const [line] = [...ingest.out().matchAll(/"message":"request answered".*"route":"([^"]*)"/g)].slice(-1);
  return line?.[1];
};
const ask = async (target: string, method = 'GET', headers: readonly string[] = []) => {
  const { status, text } = await sendRaw(port, rawRequest(port, target, { method, headers }));
  return { status, text, route: await lastRoute() };
};

test('links are public and images need a token, with and without the stage', async () => {
  for (const stage of ['/dev', '']) {
    expect(await ask(`${stage}/thumbnails/${id}`)).toMatchObject({
      status: 202,
      route: 'GET /thumbnails/{id}',
    });
    expect(await ask(`${stage}/images/${id}`)).toMatchObject({ status: 401, route: 'GET /images/{id}' });
    const authorization = `Authorization: Bearer ${await issuer.token()}`;
    expect((await ask(`${stage}/images/${id}`, 'GET', [authorization])).status).toBe(200);
  }
  expect((await ask(`http://example.org/dev/thumbnails/${id}`)).status).toBe(202);
});

const separators = [
  '/',
  '\\',
  '%2f',
  '%2F',
  '%5c',
  '%5C',
  '%252f',
  '%255c',
  '//',
  '\\\\',
  '/\\',
  '/./',
  '/%2e/',
];
const parents = ['..', '%2e%2e', '.%2e', '%2E.', '%252e%252e'];
const detours = parents.flatMap((parent) =>
  separators.flatMap((separator) => [
    `/thumbnails/${parent}${separator}images${separator}<id>`,
    `/thumbnails${separator}${parent}${separator}images/<id>`,
    `/thumbnails/<id>/${parent}${separator}${parent}${separator}images${separator}<id>`,
  ]),
);
const spellings = separators
  .filter((separator) => separator !== '/')
  .flatMap((separator) => [
    `/images${separator}<id>`,
    `${separator}images/<id>`,
    `/thumbnails${separator}<id>`,
    `/images/<id>${separator}`,
  ]);

test('no other spelling of a path matches a route, in any form of the target', async () => {
  const wrong: object[] = [];
  const prefixes = ['/dev', '', 'http://example.org/dev', '/dev/openapi.json/..', '/dev/.', '/%64ev/..'];
  for (const prefix of prefixes) {
    for (const path of [...detours, ...spellings]) {
      // No other target is valid HTTP.
      if (!`${prefix}${path}`.match(/^(?:\/|http:)/)) continue;
      const target = `${prefix}${path.replaceAll('<id>', id)}`;
      const { status, text } = await sendRaw(port, rawRequest(port, target));
      const isRefused =
        status === 404 && /"code":"not-found"/.test(text) && /application\/problem\+json/.test(text);
      if (!isRefused || text.includes(id)) wrong.push({ target, status, text: text.slice(0, 300) });
    }
  }
  expect(wrong).toEqual([]);
  const routes = [...ingest.out().matchAll(/"route":"([^"]*)","status":404/g)].map(([, route]) => route);
  expect(routes.length).toBeGreaterThan(1000);
  expect(new Set(routes)).toEqual(new Set(['-']));
});

test('nor with a token', async () => {
  const authorization = `Authorization: Bearer ${await issuer.token()}`;
  for (const path of ['/dev/thumbnails/..%5cimages%5c<id>', '/dev/thumbnails/../images/<id>']) {
    expect((await ask(path.replaceAll('<id>', id), 'GET', [authorization])).status).toBe(404);
  }
});

test('a query may contain anything', async () => {
  expect((await ask(`/dev/thumbnails/${id}?from=..%2f..%5c//\\`)).status).toBe(202);
});

test('the log contains no query and no id of a request', async () => {
  await ask(`/dev/thumbnails/${id}?X-Notify-Email=me@example.com`);
  const lines = ingest
    .out()
    .split('\n')
    .filter((line) => line.includes('request answered'));
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.filter((line) => line.includes(id) || line.includes('example.com'))).toEqual([]);
});
