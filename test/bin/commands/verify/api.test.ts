import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createApi } from '../../../../bin/commands/verify/api.ts';

let server: Server;
let baseUrl: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const { signal } = new AbortController();

beforeAll(async () => {
  server = createServer((request, response) => answer(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  baseUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/dev`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const anonymous = () => createApi({ baseUrl, caller: { kind: 'anonymous' }, signal });

test('returns a refusal that comes before the body was sent', async () => {
  answer = (request, response) => {
    response.writeHead(413, { connection: 'close' }).end('{"message":"Request Entity Too Large"}', () => {
      request.socket.destroySoon();
    });
  };
  const reply = await anonymous().send('POST', '/upload_image', { body: Buffer.alloc(20_000_000) });
  expect([reply.status, reply.body.toString()]).toEqual([413, '{"message":"Request Entity Too Large"}']);
});

test('does not follow redirects', async () => {
  answer = (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end();
  const { status, headers } = await anonymous().send('GET', '/thumbnails/1');
  expect([status, headers.location]).toEqual([302, '/elsewhere']);
});

test('says which request got no reply, without the signature in its URL', async () => {
  answer = (request) => request.socket.destroy();
  const url = `${baseUrl}/key?X-Amz-Signature=secret`;
  await expect(anonymous().sendPresigned('GET', url)).rejects.toMatchObject({
    name: 'NotAsExpected',
    message: expect.stringMatching(/^GET http:\S+\/dev\/key got no reply \(/),
  });
});

test.each([
  [
    'AWS credentials',
    {
      kind: 'iam',
      region: 'eu-west-1',
      credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session' },
    },
    /^AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE\/\d{8}\/eu-west-1\/execute-api\/aws4_request, SignedHeaders=\S*host\S*, Signature=[0-9a-f]{64}$/,
  ],
  ['a token', { kind: 'token', token: 'a.b.c' }, /^Bearer a\.b\.c$/],
] as const)('proves its caller with %s', async (_what, caller, authorization) => {
  let received: string | undefined;
  answer = (request, response) => {
    received = request.headers.authorization;
    request.resume().on('end', () => response.end());
  };
  await createApi({ baseUrl, caller, signal }).send('POST', '/upload_image', { body: Buffer.from('image') });
  expect(received).toMatch(authorization);
});
