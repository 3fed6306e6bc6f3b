import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import type { Auth } from '../../../lambdas/ingest/auth.ts';
import { createGatewayCallers } from '../../../lambdas/ingest/gateway-callers.ts';
import { type HttpApiResult, requestOf, resultOf, withEventBody } from '../../../lambdas/ingest/http-api.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { awsVariables, valuesWith } from '../../environment.ts';
import { postEvent } from '../../events.ts';
import { differentPictures } from '../../images.ts';
import { createTestApp } from '../../ingest-app.ts';
import { issuer, mockStorage } from './people.ts';

/** The function behind API Gateway, which has verified the callers. */

type Handler = (event: APIGatewayProxyEventV2) => Promise<HttpApiResult>;

const storage = mockStorage();
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
let server: Awaited<ReturnType<typeof startCatalogServer>>;

const functionWith = (auth: Auth): Handler => {
  const app = createTestApp(valuesWith(server, { auth }), log, {
    withBody: withEventBody,
    authenticate: createGatewayCallers(auth),
  });
  return async (event) => {
    const { method, path } = event.requestContext.http;
    return resultOf(await app.fetch(requestOf(event, method, path)));
  };
};

let withTokens: Handler;
let withIam: Handler;

beforeAll(async () => {
  server = await startCatalogServer();
  Object.assign(process.env, {
    POWERTOOLS_METRICS_DISABLED: 'true',
    ...awsVariables(server),
  });
  withTokens = functionWith({ jwt: { issuer, audience: ['thumbnails'], ownerClaim: 'oid' } });
  withIam = functionWith('iam');
});
afterAll(() => server.stop());
beforeEach(storage.reset);

const picture = differentPictures(60, 'jpeg');

const withAuthorizer = (
  event: APIGatewayProxyEventV2,
  authorizer: object | undefined,
): APIGatewayProxyEventV2 => ({
  ...event,
  requestContext: Object.assign({}, event.requestContext, { authorizer }),
});
const postOf = (authorizer: object | undefined, body: Buffer) =>
  withAuthorizer(postEvent('/upload_image', body), authorizer);
const getOf = (authorizer: object | undefined, id: string): APIGatewayProxyEventV2 => {
  const { requestContext, ...event } = postEvent('', Buffer.alloc(0), `/dev/images/${id}`);
  return withAuthorizer(
    {
      ...event,
      routeKey: 'GET /images/{id}',
      pathParameters: { id },
      requestContext: { ...requestContext, http: { ...requestContext.http, method: 'GET' } },
    },
    authorizer,
  );
};

/** As in the API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs". */
const token = (claims: Readonly<Record<string, string>>) => ({
  jwt: { claims: { iss: issuer, ...claims }, scopes: null },
});
const signer = (userArn: string, cognitoIdentity: object | null = null) => ({
  iam: {
    accessKey: 'EXAMPLE',
    accountId: '111122223333',
    callerId: 'AIDAEXAMPLE',
    cognitoIdentity,
    principalOrgId: null,
    userArn,
    userId: 'AIDAEXAMPLE',
  },
});

describe('a caller with a token', () => {
  test('owns what the claim of the settings says, and no one else does', async () => {
    const bytes = await picture();
    const id = imageIdOf(bytes);
    expect((await withTokens(postOf(token({ sub: 'client-1', oid: 'ann' }), bytes))).statusCode).toBe(202);
    expect((await withTokens(getOf(token({ sub: 'client-2', oid: 'ann' }), id))).statusCode).toBe(200);
    expect((await withTokens(getOf(token({ sub: 'client-1', oid: 'ben' }), id))).statusCode).toBe(404);
  });

  test('is refused without the claim, before anything is stored', async () => {
    const { statusCode, headers, body } = await withTokens(postOf(token({ sub: 'ann' }), await picture()));
    expect([statusCode, headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(JSON.parse(body)).toMatchObject({
      code: 'owner-unknown',
      detail: expect.stringContaining('"oid"'),
    });
    expect(storage.s3.commandCalls(PutObjectCommand)).toEqual([]);
  });
});

describe('a caller who signs with IAM', () => {
  test('owns an image as a user, or as a role in whichever session', async () => {
    const bytes = await picture();
    const id = imageIdOf(bytes);
    const session = (name: string) => signer(`arn:aws:sts::111122223333:assumed-role/Uploader/${name}`);
    expect((await withIam(postOf(session('task-1'), bytes))).statusCode).toBe(202);
    expect((await withIam(getOf(session('task-2'), id))).statusCode).toBe(200);
    const user = signer('arn:aws:iam::111122223333:user/Uploader');
    expect((await withIam(getOf(user, id))).statusCode).toBe(404);
    expect((await withIam(postOf(user, bytes))).statusCode).toBe(202);
    expect((await withIam(getOf(user, id))).statusCode).toBe(200);
  });

  test('with an identity of Cognito is a person of their own, although all share a role', async () => {
    const bytes = await picture();
    const id = imageIdOf(bytes);
    const session = 'arn:aws:sts::111122223333:assumed-role/PoolUsers/CognitoIdentityCredentials';
    const person = (identityId: string) =>
      signer(session, { amr: ['authenticated'], identityId, identityPoolId: 'us-east-2:pool' });
    expect((await withIam(postOf(person('us-east-2:ann'), bytes))).statusCode).toBe(202);
    expect((await withIam(getOf(person('us-east-2:ann'), id))).statusCode).toBe(200);
    expect((await withIam(getOf(person('us-east-2:ben'), id))).statusCode).toBe(404);
    expect((await withIam(getOf(signer(session), id))).statusCode).toBe(404);
  });
});

test.each([
  ['no authorizer', undefined],
  ['an empty one', {}],
  ['that of another kind', { lambda: { userArn: 'arn:aws:iam::111122223333:user/ann', oid: 'ann' } }],
])('a request that API Gateway passed on with %s is not answered', async (_, authorizer) => {
  const bytes = await picture();
  for (const handler of [withTokens, withIam]) {
    for (const event of [postOf(authorizer, bytes), getOf(authorizer, imageIdOf(bytes))]) {
      expect((await handler(event)).statusCode).toBe(500);
    }
  }
  expect(storage.s3.calls()).toEqual([]);
});
