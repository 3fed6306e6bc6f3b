import { randomBytes } from 'node:crypto';
import { HeadObjectCommand, NotFound, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import type { IngestEnvironment } from '../../../lambdas/ingest/environment.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables } from '../../environment.ts';
import { appIn } from '../../ingest-app.ts';

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

const appWith = (given: Partial<IngestEnvironment>) => appIn(server, given, log);

const spoofed = {
  Host: 'evil.example',
  'X-Forwarded-Host': 'evil.example',
  Forwarded: 'host=evil.example;proto=http',
};

/** Every URL of the API in its replies. */
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

test('links have the public URL, whatever host a request names', async () => {
  const { id, links, servers } = await ownUrls(appWith({ publicUrl }), 'http://evil.example');
  expect(new Set(links)).toEqual(new Set([`${publicUrl}/thumbnails/${id}`]));
  expect(servers).toEqual([{ url: publicUrl }]);
});

test('without a public URL, links use the host of the request and ignore forwarding headers', async () => {
  const { id, links, servers } = await ownUrls(appWith({}), 'http://api.example');
  expect(new Set(links)).toEqual(new Set([`http://api.example/dev/thumbnails/${id}`]));
  expect(servers).toEqual([{ url: 'http://api.example/dev' }]);
});
