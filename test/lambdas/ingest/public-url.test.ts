import { randomBytes } from 'node:crypto';
import { HeadObjectCommand, NotFound, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { type IngestEnvironment, ingestEnvironment } from '../../../lambdas/ingest/environment.ts';
import { readEnvironment } from '../../../lambdas/runtime/environment.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { createTestApp } from '../../ingest-app.ts';

const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const publicUrl = 'https://images.example.com/dev';
let server: Awaited<ReturnType<typeof startCatalogServer>>;
let environment: IngestEnvironment;

beforeAll(async () => {
  mockClient(S3Client)
    .on(PutObjectCommand)
    .resolves({})
    .on(HeadObjectCommand)
    .rejects(new NotFound({ message: 'not found', $metadata: {} }));
  server = await startCatalogServer();
  Object.assign(process.env, {
    AWS_REGION: 'us-east-2',
    AWS_ACCESS_KEY_ID: 'EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'example',
    AWS_ENDPOINT_URL_DYNAMODB: server.endpoint,
    POWERTOOLS_METRICS_DISABLED: 'true',
  });
  environment = {
    RAW_BUCKET: 'raw-bucket',
    THUMBNAIL_BUCKET: 'thumbnail-bucket',
    CATALOG_TABLE: server.tableName,
    ...server.admissionEnvironment,
    RESIZE_QUEUE_URL: 'https://sqs.us-east-2.amazonaws.com/111122223333/resize',
    IMAGE_EVENTS_TOPIC_ARN: 'arn:aws:sns:us-east-2:111122223333:image-events',
    STACK_NAME: 'ThumbnailGenerator',
    VARIANTS: '[{"name":"thumbnail"}]',
    MAX_INLINE_BYTES: '100000',
    MAX_UPLOAD_BYTES: '5000000',
    URL_LIFETIME_SECONDS: '600',
    STAGE: 'dev',
    AUTH: '"none"',
    LINKS: 'public',
  };
});
afterAll(() => server.stop());

const appWith = (given: Partial<IngestEnvironment>) =>
  createTestApp(readEnvironment(ingestEnvironment, { ...environment, ...given }), log);

/** All headers in which a caller or a proxy may name another host. */
const spoofed = {
  Host: 'evil.example',
  'X-Forwarded-Host': 'evil.example',
  Forwarded: 'host=evil.example;proto=http',
};

/** All URLs of the API itself in replies. */
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
  const { id, links, servers } = await ownUrls(appWith({ PUBLIC_URL: publicUrl }), 'http://evil.example');
  expect(new Set(links)).toEqual(new Set([`${publicUrl}/thumbnails/${id}`]));
  expect(servers).toEqual([{ url: publicUrl }]);
});

test('links follow the request without a public URL', async () => {
  const { id, links, servers } = await ownUrls(appWith({}), 'http://api.example');
  expect(new Set(links)).toEqual(new Set([`http://api.example/dev/thumbnails/${id}`]));
  expect(servers).toEqual([{ url: 'http://api.example/dev' }]);
});

test.each(['https://images.example.com/dev/', 'images.example.com/dev', 'https://', 'ftp://a/b', ''])(
  'refuses %j as a public URL',
  (wrong) => {
    expect(() => appWith({ PUBLIC_URL: wrong })).toThrow(/without a slash at the end\s+→ at PUBLIC_URL/);
  },
);
