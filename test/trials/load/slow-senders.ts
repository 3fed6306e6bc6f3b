import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ingestContainerEnvironment } from '../../../containers/environment.ts';
import { writeVariables } from '../../../lambdas/runtime/environment.ts';
import { host } from '../../../local/ports.ts';
import { until } from '../../local/local-run.ts';
import { type Figure, zero } from '../report.ts';
import { startStack } from '../stack.ts';
import { post } from './client.ts';
import { smallImage } from './images.ts';

/** A client that announces an upload and sends one byte a second. */
interface SlowSender {
  readonly answer: () => string;
  readonly hasEnded: () => boolean;
  stop(): void;
}

const startSlowSender = (port: number, path: string): SlowSender => {
  let answer = '';
  let hasEnded = false;
  const socket: Socket = connect(port, host);
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    answer += chunk;
  });
  socket.on('error', () => {});
  socket.write(`POST ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Length: 1000000\r\n\r\n`);
  const timer = setInterval(() => socket.write('x'), 1000);
  socket.once('close', () => {
    clearInterval(timer);
    hasEnded = true;
  });
  return {
    answer: () => answer,
    hasEnded: () => hasEnded,
    stop: () => {
      clearInterval(timer);
      socket.destroy();
    },
  };
};

const senderCount = 64;
/** Room for a few of the megabytes that each sender announces. */
const maxBytesInHand = 5_000_000;
/** Ingest refuses senders of less than 4 KiB a second, after 2 s. */
const patienceSeconds = 10;

/** Senders that never finish must not block other uploads, and must be refused in time. */
export const slowSenders = async (seed: number): Promise<readonly Figure[]> => {
  const stack = await startStack({
    visibilityTimeoutSeconds: 30,
    environment: writeVariables(ingestContainerEnvironment, { maxBytesInHand }),
  });
  const senders: SlowSender[] = [];
  try {
    const { pathname, port } = new URL(`${stack.apiUrl}/upload_image`);
    for (let count = 0; count < senderCount; count += 1)
      senders.push(startSlowSender(Number(port), pathname));
    await sleep(1000);
    const waiting = senders.filter(({ answer, hasEnded }) => answer() === '' && !hasEnded()).length;

    const startedAt = performance.now();
    const { bytes } = await smallImage(seed, 0);
    const taken = await post(`${stack.apiUrl}/upload_image`, bytes, { Prefer: 'wait=20' });
    const seconds = (performance.now() - startedAt) / 1000;
    const isGone = async () => senders.every(({ hasEnded }) => hasEnded()) || undefined;
    await until('the end of the slow senders', isGone, patienceSeconds * 1000).catch(() => {});
    const remaining = senders.filter(({ hasEnded }) => !hasEnded()).length;

    return [
      { name: 'senders of one byte a second', value: senders.length },
      {
        name: 'of them in progress meanwhile',
        value: waiting,
        must: { be: String(senderCount), holds: waiting === senderCount },
      },
      {
        name: 'seconds until another upload was ready',
        value: seconds.toFixed(1),
        must: { be: '200, in 10 s', holds: taken.status === 200 && seconds < 10 },
      },
      zero(`of them still connected after ${patienceSeconds} s`, remaining),
      zero('deaths of processes', stack.deaths().length),
      zero('log lines that leak', stack.leaks().length),
    ];
  } finally {
    for (const sender of senders) sender.stop();
    await stack.stop();
  }
};
