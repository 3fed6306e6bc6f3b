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

const replyOf = async (answer: Promise<Response> | undefined) => {
  const response = await answer;
  if (response === undefined) throw new Error('There is no reply.');
  return {
    status: response.status,
    cacheControl: response.headers.get('Cache-Control'),
    body: await response.json(),
  };
};

const never = () => new Promise<never>(() => {});

test('a process is ready when all dependencies respond', async () => {
  const probes = probesOf({ catalog: async () => undefined, rawBucket: async () => false });
  const ready = { status: 200, cacheControl: 'no-store', body: { ready: true } };
  expect(await replyOf(ask(probes, '/ready'))).toEqual(ready);
  expect(log.warn).not.toHaveBeenCalled();
});

test('a process is healthy whatever its dependencies do', async () => {
  const probes = probesOf({ catalog: never });
  const healthy = { status: 200, cacheControl: 'no-store', body: { healthy: true } };
  expect(await replyOf(ask(probes, '/health'))).toEqual(healthy);
});

test('the reply names the dependencies that fail or do not respond in time, and only the log has the reason', async () => {
  // GIVEN
  const denied = new Error('User arn:aws:sts::111122223333:assumed-role/ingest is not authorized');
  const probes = probesOf({
    catalog: () => Promise.reject(denied),
    rawBucket: never,
    other: async () => true,
  });
  // WHEN
  const response = replyOf(ask(probes, '/ready'));
  await jest.advanceTimersByTimeAsync(2000);
  // THEN
  expect(await response).toEqual({
    status: 503,
    cacheControl: 'no-store',
    body: { ready: false, failed: ['catalog', 'rawBucket'] },
  });
  expect(log.warn.mock.calls).toEqual([
    ['dependency unreachable', { dependency: 'catalog', error: denied }],
    ['dependency unreachable', { dependency: 'rawBucket', error: new Error('No response within 2000 ms.') }],
  ]);
});

test('calls all dependencies at the same time', async () => {
  const probes = probesOf({ catalog: never, rawBucket: never });
  const response = replyOf(ask(probes, '/ready'));
  await jest.advanceTimersByTimeAsync(2000);
  expect((await response).body).toEqual({ ready: false, failed: ['catalog', 'rawBucket'] });
});

test('calls its dependencies once in five seconds, however often it is probed', async () => {
  // GIVEN a dependency that recovers
  const catalog = jest.fn().mockRejectedValueOnce(new Error('unreachable')).mockResolvedValue(undefined);
  const probes = probesOf({ catalog });
  // WHEN
  const first = await Promise.all([replyOf(ask(probes, '/ready')), replyOf(ask(probes, '/ready'))]);
  await jest.advanceTimersByTimeAsync(4999);
  const late = await replyOf(ask(probes, '/ready'));
  // THEN
  expect([...first, late].map(({ status }) => status)).toEqual([503, 503, 503]);
  expect(catalog).toHaveBeenCalledTimes(1);
  // WHEN
  await jest.advanceTimersByTimeAsync(1);
  // THEN
  expect((await replyOf(ask(probes, '/ready'))).status).toBe(200);
  expect(catalog).toHaveBeenCalledTimes(2);
});

test('a stopping process is healthy, but not ready, without calling its dependencies', async () => {
  const stopping = new AbortController();
  const catalog = jest.fn().mockResolvedValue(undefined);
  const probes = probesOf({ catalog }, stopping.signal);
  stopping.abort();
  expect(await replyOf(ask(probes, '/ready'))).toMatchObject({
    status: 503,
    body: { ready: false, reason: 'stopping' },
  });
  expect((await replyOf(ask(probes, '/health'))).status).toBe(200);
  expect(catalog).not.toHaveBeenCalled();
});

test('a process that begins to stop during a probe is not ready', async () => {
  const stopping = new AbortController();
  const probes = probesOf({ catalog: async () => stopping.abort() }, stopping.signal);
  expect((await replyOf(ask(probes, '/ready'))).status).toBe(503);
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

test('answers HEAD requests', async () => {
  expect((await ask(probesOf({}), '/ready?any=1', 'HEAD'))?.status).toBe(200);
});
