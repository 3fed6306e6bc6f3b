import { randomBytes } from 'node:crypto';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { createCatalog } from '../../../lambdas/aws/catalog.ts';
import { ingestEnvironment } from '../../../lambdas/ingest/environment.ts';
import type { HttpApiResult } from '../../../lambdas/ingest/http-api.ts';
import { writeEnvironment } from '../../../lambdas/runtime/environment.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables, valuesWith } from '../../environment.ts';
import { postEvent } from '../../events.ts';
import { quarteredPicture } from '../../images.ts';

const s3 = mockClient(S3Client);
const sts = mockClient(STSClient);
let handler: (event: APIGatewayProxyEventV2) => Promise<HttpApiResult>;

let server: Awaited<ReturnType<typeof startCatalogServer>>;

beforeAll(async () => {
  server = await startCatalogServer();
  Object.assign(process.env, {
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    ...awsVariables(server),
    POWERTOOLS_METRICS_DISABLED: 'true',
    ...writeEnvironment(
      ingestEnvironment,
      valuesWith(server, { urlSignerRoleArn: 'arn:aws:iam::111122223333:role/signer' }),
    ),
  });
  sts.on(AssumeRoleCommand).resolves({
    Credentials: {
      AccessKeyId: 'SIGNER',
      SecretAccessKey: 'example',
      SessionToken: 'token',
      Expiration: new Date(Date.now() + 3_600_000),
    },
  });
  ({ handler } = await import('../../../lambdas/ingest/index.ts'));
});

afterAll(() => server.stop());

test('assumes the role that signs URLs once, before the first request', async () => {
  expect(sts.commandCalls(AssumeRoleCommand)).toHaveLength(1);
  s3.on(PutObjectCommand).resolves({});
  const result = await handler(postEvent('/upload_image', await quarteredPicture(8, 8).png().toBuffer()));
  expect(JSON.parse(result.body)).toMatchObject({ url: expect.stringContaining('X-Amz-Credential=SIGNER') });
  expect(sts.commandCalls(AssumeRoleCommand)).toHaveLength(1);
});

test('stores the bytes that were sent through API Gateway unchanged', async () => {
  s3.on(PutObjectCommand).resolves({});
  const body = Buffer.concat([
    Buffer.from('ffd8ff', 'hex'),
    Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    randomBytes(5000),
  ]);
  const result = await handler(postEvent('/upload_image', body));
  expect(result).toMatchObject({ statusCode: 202, isBase64Encoded: false });
  const stored = s3.commandCalls(PutObjectCommand).at(-1);
  expect(body.equals(Buffer.from(stored?.args[0].input.Body as Uint8Array))).toBe(true);
});

test('returns errors as problem+json', async () => {
  const result = await handler(postEvent('/upload_image', Buffer.from('<svg/>')));
  expect(result).toMatchObject({ statusCode: 415, headers: { 'content-type': 'application/problem+json' } });
  expect(JSON.parse(result.body)).toMatchObject({ code: 'unsupported-type' });
});

describe('the route that API Gateway matched decides', () => {
  const id = '9f'.repeat(32);
  /** A GET as API Gateway sends it, with decoded path and parameters. */
  const getEvent = (
    routeKey: string,
    pathParameters: Readonly<Record<string, string>>,
    rawPath: string,
  ): APIGatewayProxyEventV2 => {
    const event = postEvent('', Buffer.alloc(0), rawPath);
    const { requestContext } = event;
    const [method = 'GET'] = routeKey.split(' ');
    return {
      ...event,
      routeKey,
      pathParameters,
      body: undefined,
      isBase64Encoded: false,
      requestContext: { ...requestContext, routeKey, http: { ...requestContext.http, method } },
    };
  };

  beforeAll(() => createCatalog(server.tableName, server.client).receive(id, { bytes: 9 }, new Date()));

  test.each([
    ['GET /images/{id}', { id }, `/dev/images/${id}`, 200],
    ['HEAD /images/{id}', { id }, `/dev/images/${id}`, 200],
    ['GET /thumbnails/{id}', { id }, `/dev/thumbnails/${id}`, 202],
    ['GET /thumbnails/{id}/{variant}', { id, variant: 'thumbnail' }, `/dev/thumbnails/${id}/thumbnail`, 202],
    ['GET /openapi.json', {}, '/dev/openapi.json', 200],
  ])('%s with %j answers', async (routeKey, parameters, rawPath, status) => {
    expect((await handler(getEvent(routeKey, parameters, rawPath))).statusCode).toBe(status);
  });

  test('whatever the raw path contains', async () => {
    const result = await handler(getEvent('GET /images/{id}', { id }, '/dev/openapi.json'));
    expect(JSON.parse(result.body)).toMatchObject({ id, status: 'received' });
  });

  test.each([
    ['GET /thumbnails/{id}', { id: `..\\images\\${id}` }, `/dev/thumbnails/..\\images\\${id}`],
    ['GET /thumbnails/{id}', { id: `../images/${id}` }, `/dev/thumbnails/../images/${id}`],
    ['GET /thumbnails/{id}', { id: `..%2Fimages%2F${id}` }, `/dev/thumbnails/..%2Fimages%2F${id}`],
    ['GET /thumbnails/{id}', { id: `%2e%2e/images/${id}` }, `/dev/thumbnails/%2e%2e/images/${id}`],
    ['GET /thumbnails/{id}', { id: '..' }, '/dev/thumbnails/..'],
    ['GET /thumbnails/{id}', { id: '.' }, '/dev/thumbnails/.'],
    ['GET /thumbnails/{id}', { id: '%2e%2e' }, '/dev/thumbnails/%2e%2e'],
    ['GET /thumbnails/{id}', { id: '' }, '/dev/thumbnails/'],
    ['GET /thumbnails/{id}', {}, `/dev/images/${id}`],
    [
      'GET /thumbnails/{id}/{variant}',
      { id: '..', variant: 'openapi.json' },
      '/dev/thumbnails/../openapi.json',
    ],
    ['GET /thumbnails/{id}/{variant}', { id: '../images', variant: id }, `/dev/thumbnails/../images/${id}`],
    ['GET /thumbnails/{id}/{variant}', { id: '..\\images', variant: id }, `/dev/images/${id}`],
    ['GET /thumbnails/{id}/{variant}', { id, variant: `../../images/${id}` }, `/dev/images/${id}`],
    ['GET /thumbnails/{id}/{variant}', { id, variant: '..' }, `/dev/thumbnails/${id}/..`],
    ['$default', {}, `/dev/images/${id}`],
    ['$default', { id }, `/dev/images/${id}`],
    ['ANY /{proxy+}', { proxy: `images/${id}` }, `/dev/images/${id}`],
    ['DELETE /images/{id}', { id }, `/dev/images/${id}`],
    ['GET /images', {}, `/dev/images/${id}`],
    ['', {}, `/dev/images/${id}`],
    ['constructor', {}, `/dev/images/${id}`],
  ])('%s with %j gets 404', async (routeKey, parameters, rawPath) => {
    const result = await handler(getEvent(routeKey, parameters, rawPath));
    expect(result).toMatchObject({
      statusCode: 404,
      headers: { 'content-type': 'application/problem+json' },
    });
    expect(JSON.parse(result.body)).toMatchObject({ code: 'not-found' });
    expect(result.body).not.toContain(id);
  });
});
