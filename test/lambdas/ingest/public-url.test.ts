import { randomBytes } from 'node:crypto';
import { HeadObjectCommand, NotFound, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import type { IngestEnvironment } from '../../../lambdas/ingest/environment.ts';
import { createIngestService } from '../../../lambdas/ingest/service.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables, valuesWith } from '../../environment.ts';

const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const publicUrl = 'https://images.example.com/dev';
let server: Awaited<ReturnType<typeof startCatalogServer>>;

beforeAll(async () => {
  mockClient(S3Client)
    .on(PutObjectCommand)
    .resolves({})
    .on(HeadObjectCommand)
    .rejects(new NotFound({ message: 'not found', $metadata: {} }));
  server = await startCatalogServer();
  Object.assign(process.env, {
    ...awsVariables(server),
    POWERTOOLS_METRICS_DISABLED: 'true',
  });
});
afterAll(() => server.stop());

const appWith = (given: Partial<IngestEnvironment>) => createIngestService(valuesWith(server, given), log);

/** Names another host in each way in which a caller or a proxy may. */
const spoofed = {
  Host: 'evil.example',
  'X-Forwarded-Host': 'evil.example',
  Forwarded: 'host=evil.example;proto=http',
};

/** Every place where a reply names the service itself. */
const ownUrls = async (app: ReturnType<typeof appWith>, origin: string) => {
  const image = Buffer.concat([Buffer.from('ffd8ff', 'hex'), randomBytes(20)]);
  const id = imageIdOf(image);
  const ask = async (path: string, init: RequestInit = {}) =>
    JSON.parse(await (await app.request(`${origin}${path}`, { ...init, headers: spoofed })).text());
  const uploaded = await ask('/dev/upload_image', { method: 'POST', body: image });
  const announced = await ask('/dev/uploads', {
    method: 'POST',
    body: JSON.stringify({ sha256: id, bytes: 1 }),
  });
  const found = await ask(`/dev/images/${id}`);
  const waiting = await ask(`/dev/thumbnails/${id}`);
  const { servers } = await ask('/dev/openapi.json');
  return {
    id,
    links: [uploaded, announced, found, waiting].map(({ link }) => link),
    servers,
  };
};

test('a request that names another host changes no link while a public URL is set', async () => {
  const { id, links, servers } = await ownUrls(appWith({ publicUrl }), 'http://evil.example');
  expect(new Set(links)).toEqual(new Set([`${publicUrl}/thumbnails/${id}`]));
  expect(servers).toEqual([{ url: publicUrl }]);
});

test('links follow the request while none is set', async () => {
  const { id, links, servers } = await ownUrls(appWith({}), 'http://api.example');
  expect(new Set(links)).toEqual(new Set([`http://api.example/dev/thumbnails/${id}`]));
  expect(servers).toEqual([{ url: 'http://api.example/dev' }]);
});
