import { createProbes, type ProbesProps } from '../../containers/probes.ts';

const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };

beforeEach(() => {
  jest.useFakeTimers();
  jest.clearAllMocks();
});
afterEach(() => {
  jest.useRealTimers();
});

const probesOf = (dependencies: ProbesProps['dependencies'], stopping = new AbortController().signal) =>
  createProbes({ dependencies, stopping, log });

const ask = (probes: ReturnType<typeof probesOf>, path: string, method = 'GET') =>
  probes(new Request(`http://10.0.0.1:8080${path}`, { method }));

const told = async (answer: Promise<Response> | undefined) => {
  const response = await answer;
  if (response === undefined) throw new Error('Nothing was answered.');
  return {
    status: response.status,
    cacheControl: response.headers.get('Cache-Control'),
    body: await response.json(),
  };
};

const never = () => new Promise<never>(() => {});

test('a process whose dependencies all answer is ready', async () => {
  const probes = probesOf({ catalog: async () => undefined, rawBucket: async () => false });
  const ready = { status: 200, cacheControl: 'no-store', body: { ready: true } };
  expect(await told(ask(probes, '/ready'))).toEqual(ready);
  expect(log.warn).not.toHaveBeenCalled();
});

test('a process is healthy whatever its dependencies do', async () => {
  const probes = probesOf({ catalog: never });
  const healthy = { status: 200, cacheControl: 'no-store', body: { healthy: true } };
  expect(await told(ask(probes, '/health'))).toEqual(healthy);
});

test('names the dependencies that fail or do not answer in time, and says why in the log alone', async () => {
  // GIVEN
  const denied = new Error('User arn:aws:sts::111122223333:assumed-role/ingest is not authorized');
  const probes = probesOf({
    catalog: () => Promise.reject(denied),
    rawBucket: never,
    other: async () => true,
  });
  // WHEN
  const response = told(ask(probes, '/ready'));
  await jest.advanceTimersByTimeAsync(2000);
  // THEN
  expect(await response).toEqual({
    status: 503,
    cacheControl: 'no-store',
    body: { ready: false, failed: ['catalog', 'rawBucket'] },
  });
  expect(log.warn.mock.calls).toEqual([
    ['dependency out of reach', { dependency: 'catalog', error: denied }],
    ['dependency out of reach', { dependency: 'rawBucket', error: new Error('No response within 2000 ms.') }],
  ]);
});

test('asks all dependencies at the same time', async () => {
  const probes = probesOf({ catalog: never, rawBucket: never });
  const response = told(ask(probes, '/ready'));
  await jest.advanceTimersByTimeAsync(2000);
  expect((await response).body).toEqual({ ready: false, failed: ['catalog', 'rawBucket'] });
});

test('asks its dependencies once in five seconds, however often it is asked', async () => {
  // GIVEN a dependency that comes back
  const catalog = jest.fn().mockRejectedValueOnce(new Error('out of reach')).mockResolvedValue(undefined);
  const probes = probesOf({ catalog });
  // WHEN
  const first = await Promise.all([told(ask(probes, '/ready')), told(ask(probes, '/ready'))]);
  await jest.advanceTimersByTimeAsync(4999);
  const late = await told(ask(probes, '/ready'));
  // THEN
  expect([...first, late].map(({ status }) => status)).toEqual([503, 503, 503]);
  expect(catalog).toHaveBeenCalledTimes(1);
  // WHEN
  await jest.advanceTimersByTimeAsync(1);
  // THEN
  expect((await told(ask(probes, '/ready'))).status).toBe(200);
  expect(catalog).toHaveBeenCalledTimes(2);
});

test('a process that is to stop is not ready, without asking anybody, but healthy', async () => {
  const stopping = new AbortController();
  const catalog = jest.fn().mockResolvedValue(undefined);
  const probes = probesOf({ catalog }, stopping.signal);
  stopping.abort();
  expect(await told(ask(probes, '/ready'))).toMatchObject({
    status: 503,
    body: { ready: false, reason: 'stopping' },
  });
  expect((await told(ask(probes, '/health'))).status).toBe(200);
  expect(catalog).not.toHaveBeenCalled();
});

test('a process that is told to stop while it asks is not ready', async () => {
  const stopping = new AbortController();
  const probes = probesOf({ catalog: async () => stopping.abort() }, stopping.signal);
  expect((await told(ask(probes, '/ready'))).status).toBe(503);
});

test.each([
  ['POST', '/ready'],
  ['DELETE', '/health'],
  ['GET', '/dev/ready'],
  ['GET', '/ready/'],
  ['GET', '/healthy'],
  ['GET', '/upload_image?/ready'],
])('leaves %s %s to the API', (method, path) => {
  expect(ask(probesOf({}), path, method)).toBeUndefined();
});

test('answers a HEAD', async () => {
  expect((await ask(probesOf({}), '/ready?any=1', 'HEAD'))?.status).toBe(200);
});
