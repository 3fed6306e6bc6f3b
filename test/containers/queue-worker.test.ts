import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { runQueueWorker, type WorkerQueue } from '../../containers/queue-worker.ts';

const sqs = mockClient(SQSClient);
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };

/** A queue with so many messages. Once it is empty, the process gets SIGTERM. */
const queueOf = (count: number) => {
  const waiting = Array.from({ length: count }, (_, index) => `message ${index}`);
  const asked: number[] = [];
  let polls = 0;
  let pollsAtOnce = 0;
  sqs.on(ReceiveMessageCommand).callsFake(async ({ MaxNumberOfMessages, MessageSystemAttributeNames }) => {
    asked.push(MaxNumberOfMessages);
    polls += 1;
    pollsAtOnce = Math.max(pollsAtOnce, polls);
    await turn();
    polls -= 1;
    const taken = waiting.splice(0, MaxNumberOfMessages);
    if (waiting.length === 0) process.emit('SIGTERM');
    return {
      Messages: taken.map((Body) => ({
        MessageId: Body,
        Body,
        ReceiptHandle: `receipt of ${Body}`,
        // Only on request, as in SQS.
        ...(MessageSystemAttributeNames?.includes('ApproximateReceiveCount') && {
          Attributes: { ApproximateReceiveCount: '3' },
        }),
      })),
    };
  });
  return { asked, pollsAtOnce: () => pollsAtOnce };
};

const run = (concurrency: number, handleMessage: WorkerQueue['handleMessage']) =>
  runQueueWorker({
    name: 'test',
    queues: [{ queueUrl: 'http://127.0.0.1/queue', handleMessage, concurrency }],
    log,
  });

const deleted = () =>
  sqs
    .commandCalls(DeleteMessageCommand)
    .map(({ args }) => args[0].input.ReceiptHandle)
    .toSorted();

const receipts = (...indexes: readonly number[]) =>
  indexes.map((index) => `receipt of message ${index}`).toSorted();

beforeEach(() => {
  sqs.reset();
  jest.clearAllMocks();
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
});
afterEach(() => {
  jest.useRealTimers();
  process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT');
});

test('polls once at a time for as many messages as there are free places, and keeps all places busy', async () => {
  // GIVEN
  const queue = queueOf(20);
  let atWork = 0;
  let most = 0;
  // WHEN
  await run(4, async () => {
    atWork += 1;
    most = Math.max(most, atWork);
    for (let turns = 0; turns < 5; turns += 1) await turn();
    atWork -= 1;
  });
  // THEN
  expect(queue.pollsAtOnce()).toBe(1);
  expect(queue.asked[0]).toBe(4);
  expect(most).toBe(4);
  expect(deleted()).toEqual(receipts(...Array(20).keys()));
});

test('polls for no more messages than SQS returns at a time', async () => {
  const queue = queueOf(15);
  await run(12, async () => turn());
  expect(queue.asked.slice(0, 2)).toEqual([10, expect.any(Number)]);
  expect(Math.max(...queue.asked)).toBe(10);
  expect(deleted()).toHaveLength(15);
});

test('passes on how often a message was delivered', async () => {
  queueOf(2);
  const counts: number[] = [];
  await run(2, async (_, { receiveCount }) => {
    counts.push(receiveCount);
  });
  expect(counts).toEqual([3, 3]);
});

test('does not delete a message that fails, and frees its place', async () => {
  queueOf(6);
  await run(2, async (body) => {
    if (body === 'message 1' || body === 'message 2') throw new Error('try again');
  });
  expect(deleted()).toEqual(receipts(0, 3, 4, 5));
  expect(log.error).toHaveBeenCalledTimes(2);
});

test('processes other messages while one takes long, and stops after it', async () => {
  queueOf(8);
  const long = Promise.withResolvers<void>();
  const begun: string[] = [];
  const running = run(2, async (body) => {
    begun.push(body);
    if (body === 'message 0') await long.promise;
  });
  for (let turns = 0; turns < 100; turns += 1) await turn();
  expect(begun).toHaveLength(8);
  expect(deleted()).toEqual(receipts(1, 2, 3, 4, 5, 6, 7));
  expect(log.info).not.toHaveBeenCalledWith('test stops', {});
  long.resolve();
  await running;
  expect(deleted()).toContain('receipt of message 0');
});

describe('in a container', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'thumbnail-generator-heartbeat-'));
    file = join(folder, 'heartbeat');
    process.env['HEARTBEAT_FILE'] = file;
  });
  afterEach(() => {
    delete process.env['HEARTBEAT_FILE'];
    rmSync(folder, { recursive: true, force: true });
  });

  const beatsWithin = async (milliseconds: number): Promise<boolean> => {
    rmSync(file, { force: true });
    await jest.advanceTimersByTimeAsync(milliseconds);
    return existsSync(file);
  };

  test('keeps its heartbeat while it polls or is full, until its messages are overdue', async () => {
    queueOf(2);
    const { promise, resolve } = Promise.withResolvers<void>();
    const running = run(1, () => promise);
    expect(existsSync(file)).toBe(true);
    for (let turns = 0; turns < 20; turns += 1) await turn();
    expect(await beatsWithin(5000)).toBe(true);
    expect(await beatsWithin(600_000)).toBe(true);
    await jest.advanceTimersByTimeAsync(120_000);
    expect(await beatsWithin(60_000)).toBe(false);
    resolve();
    await running;
    expect(existsSync(file)).toBe(false);
  });
});
