import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { createS3Client, isBusy, socketsPerClient } from '../../../lambdas/aws/clients.ts';
import { BusyError } from '../../../lambdas/runtime/gate.ts';

jest.setTimeout(60_000);

let server: Server;
let delayMilliseconds: number;
let underWay: number;
let most: number;
let status: number;

beforeAll(async () => {
  server = createServer((request, response) => {
    underWay += 1;
    most = Math.max(most, underWay);
    request.resume();
    setTimeout(() => {
      underWay -= 1;
      response.writeHead(status, { 'Content-Type': 'application/xml' });
      response.end(status === 200 ? '' : '<Error><Code>SlowDown</Code><Message>Slow down</Message></Error>');
    }, delayMilliseconds);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  underWay = 0;
  most = 0;
  status = 200;
  delayMilliseconds = 0;
});

const client = () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return createS3Client({
    region: 'us-east-2',
    endpoint: `http://127.0.0.1:${address.port}`,
    forcePathStyle: true,
    credentials: { accessKeyId: 'EXAMPLE', secretAccessKey: 'example' },
  });
};
const put = (s3: ReturnType<typeof client>) =>
  s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: 'x' }));

test('requests beyond the sockets may wait longer than a connection timeout', async () => {
  delayMilliseconds = 2000;
  const s3 = client();
  const outcomes = await Promise.allSettled(Array.from({ length: socketsPerClient * 2 + 20 }, () => put(s3)));
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
  expect(most).toBe(socketsPerClient);
});

test('a request that gets no place in time fails as busy and is not sent', async () => {
  delayMilliseconds = 4500;
  const s3 = client();
  let sent = 0;
  server.on('request', () => {
    sent += 1;
  });
  const outcomes = await Promise.allSettled(Array.from({ length: socketsPerClient * 2 + 20 }, () => put(s3)));
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  expect(failures).toHaveLength(20);
  for (const failure of failures) {
    expect(failure).toBeInstanceOf(BusyError);
    expect(isBusy(failure)).toBe(true);
  }
  expect(sent).toBe(socketsPerClient * 2);
  // Every place was released.
  delayMilliseconds = 0;
  await Promise.all(Array.from({ length: socketsPerClient * 3 }, () => put(s3)));
});

test('replies without a body, errors and broken connections release their places', async () => {
  const s3 = client();
  const many = <Result>(send: () => Promise<Result>) =>
    Promise.allSettled(Array.from({ length: socketsPerClient + 10 }, send));
  await many(() => s3.send(new HeadObjectCommand({ Bucket: 'bucket', Key: 'key' })));
  status = 503;
  const refused = await many(() => put(s3));
  for (const outcome of refused) {
    expect(outcome.status === 'rejected' && isBusy(outcome.reason)).toBe(true);
  }
  status = 200;
  delayMilliseconds = 300;
  const brokenOff = many(() => put(s3));
  setTimeout(() => server.closeAllConnections(), 100);
  await brokenOff;
  expect((await many(() => put(s3))).map((outcome) => outcome.status)).not.toContain('rejected');
});
