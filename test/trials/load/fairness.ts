import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { ingestContainerEnvironment } from '../../../containers/environment.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { writeVariables } from '../../../lambdas/runtime/environment.ts';
import { host } from '../../../local/ports.ts';
import { slowTiff } from '../../images.ts';
import { type Figure, zero } from '../report.ts';
import { type Stack, startStack } from '../stack.ts';
import { post, postUntilTaken } from './client.ts';
import { smallImage } from './images.ts';
import { quantile } from './statistics.ts';

export interface FairnessProps {
  readonly seed: number;
  /** Ordinary uploads to time, without a flood and under each flood. */
  readonly uploads: number;
}

/** How much longer an ordinary image may take under a flood. */
const maxRatio = 3;

/** Between two ordinary uploads, which are not a flood themselves. */
const pauseMilliseconds = 100;

/** Room for the bodies of all stalled senders except the last. */
const maxBytesInHand = 30_000_000;
const stalledBodyBytes = 3_000_000;
const stalledSenders = 10;

/** Sends its flood until it is stopped. */
type Flood = (stack: Stack, stopping: AbortSignal) => Promise<number>;

/** Images of half a megabyte that take seconds to decode: twenty at the same time, and then two a second. */
const slowImages: Flood = async ({ apiUrl }, stopping) => {
  let sent = 0;
  while (!stopping.aborted) {
    await postUntilTaken(`${apiUrl}/upload_image`, slowTiff(randomBytes(8).toString('hex')));
    sent += 1;
    if (sent >= 20) await sleep(500);
  }
  return sent;
};

/** Senders that stop one byte short, and start again as soon as they are refused. */
const stalling: Flood = async ({ apiUrl }, stopping) => {
  const { port, pathname } = new URL(`${apiUrl}/upload_image`);
  let sent = 0;
  const sendOnce = (): Promise<void> =>
    new Promise((resolve) => {
      sent += 1;
      const socket = connect(Number(port), host, () => {
        socket.write(
          `POST ${pathname} HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Length: ${stalledBodyBytes}\r\n\r\n`,
        );
        socket.write(Buffer.alloc(stalledBodyBytes - 1, 'x'));
      });
      const end = (): void => void socket.destroy();
      stopping.addEventListener('abort', end, { once: true });
      socket
        .on('error', () => {})
        .on('data', () => {})
        .once('close', () => {
          stopping.removeEventListener('abort', end);
          resolve();
        });
    });
  const sendOn = async (): Promise<void> => {
    while (!stopping.aborted) {
      await sendOnce();
      await sleep(100);
    }
  };
  await Promise.all(Array.from({ length: stalledSenders }, sendOn));
  return sent;
};

const announcement = z.object({
  upload: z.object({ url: z.url(), headers: z.record(z.string(), z.string()) }),
});

/** A presigned upload of a new image, sent again twenty times a second. */
const replays: Flood = async ({ apiUrl }, stopping) => {
  const bytes = Buffer.concat([(await smallImage(0, 0)).bytes, randomBytes(8)]);
  const body = JSON.stringify({ sha256: imageIdOf(bytes), bytes: bytes.byteLength });
  const announced = await fetch(`${apiUrl}/uploads`, { method: 'POST', body });
  const { upload } = announcement.parse(await announced.json());
  let sent = 0;
  while (!stopping.aborted) {
    await fetch(upload.url, { method: 'PUT', headers: upload.headers, body: bytes });
    sent += 1;
    await sleep(50);
  }
  return sent;
};

const floods: Readonly<Record<string, readonly Flood[]>> = {
  'slow images': [slowImages],
  'stalled senders': [stalling],
  replays: [replays],
  'all of them': [slowImages, stalling, replays],
};

/** Ordinary uploads while other clients send the most expensive requests: they must hardly be slower. */
export const fairness = async ({ seed, uploads }: FairnessProps): Promise<readonly Figure[]> => {
  const stack = await startStack({
    visibilityTimeoutSeconds: 30,
    environment: writeVariables(ingestContainerEnvironment, { maxBytesInHand }),
  });
  let number = 0;
  let notReady = 0;
  /** From the upload to ready, including retries after a refusal. */
  const timeUpload = async (): Promise<number> => {
    number += 1;
    const { bytes } = await smallImage(seed, number);
    const startedAt = performance.now();
    const { status } = await postUntilTaken(`${stack.apiUrl}/upload_image`, bytes, { Prefer: 'wait=20' });
    if (status !== 200) notReady += 1;
    return performance.now() - startedAt;
  };
  const timeUploads = async (): Promise<readonly number[]> => {
    const milliseconds: number[] = [];
    for (let count = 0; count < uploads; count += 1) {
      milliseconds.push(await timeUpload());
      await sleep(pauseMilliseconds);
    }
    return milliseconds;
  };
  const p95 = (milliseconds: readonly number[]): number => quantile(milliseconds, 0.95);

  try {
    await post(`${stack.apiUrl}/upload_image`, (await smallImage(seed, 0)).bytes, { Prefer: 'wait=20' });
    const figures: Figure[] = [];
    for (const [name, sources] of Object.entries(floods)) {
      // Measured again before each flood, so that the machine has the same speed for both.
      const atRest = await timeUploads();
      const stopping = new AbortController();
      const flooding = Promise.all(sources.map((source) => source(stack, stopping.signal)));
      await sleep(3000);
      const underFlood = await timeUploads();
      stopping.abort();
      const sent = await flooding;
      const ratio = p95(underFlood) / p95(atRest);
      figures.push({
        name: `${name} (${sent.join(', ')}): p95 from upload to ready, at rest and meanwhile, ms`,
        value: `${p95(atRest).toFixed(0)}, ${p95(underFlood).toFixed(0)}: ${ratio.toFixed(2)} times`,
        must: { be: `at most ${maxRatio} times`, holds: ratio <= maxRatio },
      });
    }
    return [
      { name: 'ordinary uploads', value: number },
      ...figures,
      zero('of them not ready within 20 s', notReady),
      zero('deaths of processes', stack.deaths().length),
      zero('log lines that leak', stack.leaks().length),
    ];
  } finally {
    await stack.stop();
  }
};
