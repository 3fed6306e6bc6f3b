import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { readSettings } from '../../lib/settings.ts';
import { environmentsFor } from '../../local/environments.ts';
import { endpointOf, host, isListening, portsFrom } from '../../local/ports.ts';
import { quarteredPicture } from '../images.ts';
import { credentialsOf } from '../local/aws-clients.ts';
import { startEmbeddedServices } from '../local/embedded-services.ts';
import { freePort, until } from '../local/local-run.ts';
import { cleanUp, type Running, startNode } from '../local/processes.ts';

jest.setTimeout(120_000);

let ingest: Running;
let uploadUrl: string;
let proxy: Server;
let putMilliseconds: number;
let picture: Buffer;

/** A proxy between ingest and S3 that delays each PUT. */
const startProxy = async (s3Port: number, port: number): Promise<void> => {
  proxy = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const pass = (): void => {
      const upstream = httpRequest({ host, port: s3Port, method, path: url, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      });
      upstream.on('error', () => outgoing.destroy());
      incoming.pipe(upstream);
    };
    const delay = setTimeout(pass, method === 'PUT' ? putMilliseconds : 0);
    outgoing.once('close', () => clearTimeout(delay));
  });
  await once(proxy.listen(port, host), 'listening');
};

beforeAll(async () => {
  const proxies = portsFrom(await freePort());
  const { folder, ports } = await startEmbeddedServices(30, proxies.api);
  const port = await freePort();
  const { s3 } = proxies;
  await startProxy(ports.s3, s3);
  const { ingest: environment } = environmentsFor(
    { ...ports, s3, api: port },
    readSettings({}),
    credentialsOf({ folder, ports }),
  );
  ingest = startNode('containers/ingest.ts', { folder, environment });
  await until('ingest', async () => (await isListening(port)) || undefined);
  uploadUrl = `${endpointOf(port)}/dev/upload_image`;
  picture = await quarteredPicture(8, 8).png().toBuffer();
});
afterAll(async () => {
  await cleanUp();
  proxy.closeAllConnections();
  proxy.close();
});

/** The replies to so many concurrent uploads of small images. */
const uploadAtOnce = async (count: number, headers: Readonly<Record<string, string>> = {}) =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const body = Buffer.concat([picture, randomBytes(8)]);
      const response = await fetch(uploadUrl, { method: 'POST', body, headers });
      await response.body?.cancel();
      return { status: response.status, retryAfter: response.headers.get('Retry-After') };
    }),
  );

const acceptable = [
  { status: 202, retryAfter: null },
  { status: 503, retryAfter: '1' },
];

test('a hundred concurrent uploads are accepted while S3 takes three seconds for each', async () => {
  putMilliseconds = 3000;
  const answers = await uploadAtOnce(100);
  expect(answers.filter(({ status }) => status !== 202)).toEqual([]);
});

test.each([[{}], [{ Prefer: 'wait=3' }]])(
  'four hundred concurrent uploads with %j are accepted or get 503',
  async (headers) => {
    putMilliseconds = 0;
    const answers = await uploadAtOnce(400, headers);
    for (const answer of answers) expect(acceptable).toContainEqual(answer);
    expect(answers.filter(({ status }) => status === 202).length).toBeGreaterThan(100);
    expect(ingest.errors()).not.toContain('request failed');
  },
);

test('uploads get 503 while S3 does not respond in time, and are accepted once it does', async () => {
  putMilliseconds = 20_000;
  const answers = await uploadAtOnce(5);
  expect(answers).toEqual(answers.map(() => ({ status: 503, retryAfter: '1' })));
  expect(ingest.errors()).toContain('TimeoutError');
  expect(ingest.errors()).not.toContain('request failed');
  putMilliseconds = 0;
  expect((await uploadAtOnce(5)).map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
});
