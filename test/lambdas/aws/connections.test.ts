import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createS3Client } from '../../../lambdas/aws/clients.ts';
import { createOriginals } from '../../../lambdas/aws/originals.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';

let server: Server;
let connections: number;
let headers: IncomingHttpHeaders[];

beforeAll(async () => {
  server = createServer((request, response) => {
    headers.push(request.headers);
    request.resume().on('end', () => response.end());
  });
  server.on('connection', () => {
    connections += 1;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => server.close());
beforeEach(() => {
  connections = 0;
  headers = [];
});

/** By default the SDK opens a connection for each upload of more than 2 MiB. */
test('uploads of any size share one connection, without “Expect: 100-continue”', async () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const client = createS3Client({
    region: 'us-east-2',
    credentials: { accessKeyId: 'EXAMPLE', secretAccessKey: 'example' },
    endpoint: `http://127.0.0.1:${port}`,
    forcePathStyle: true,
  });
  const originals = createOriginals(client, 'raw-bucket');
  for (const mebibytes of [1, 3, 5]) {
    const bytes = Buffer.alloc(mebibytes * 2 ** 20, mebibytes);
    await originals.put(imageIdOf(bytes), bytes, 'image/jpeg');
  }
  client.destroy();
  expect(connections).toBe(1);
  expect(headers.map(({ expect: expectation }) => expectation)).toEqual([undefined, undefined, undefined]);
});
