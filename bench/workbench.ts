import { writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { createS3Client } from '../lambdas/aws/clients.ts';
import { imageIdOf } from '../lambdas/image/id.ts';
import { originalKey } from '../lambdas/image/keys.ts';
import { ingestEnvironment } from '../lambdas/ingest/environment.ts';
import { resizeFunctionEnvironment } from '../lambdas/resize/environment.ts';
import { writeEnvironment } from '../lambdas/runtime/environment.ts';
import { smallHeap } from '../lib/resize/resize-function.ts';
import { readSettings } from '../lib/settings.ts';
import { awsEnvironment, resources } from '../local/aws.ts';
import { valuesFor } from '../local/environments.ts';
import { endpointOf, type Ports } from '../local/ports.ts';
import { createdMessage } from '../test/events.ts';
import { accountOf } from '../test/local/aws-clients.ts';
import { type Stack, startStack } from '../test/trials/stack.ts';
import { type Script, startWorker, type Worker } from './jobs.ts';
import { type FunctionName, packageFunction } from './packages.ts';
import { numbered, type Photo, type PhotoName, photo } from './photos.ts';
import { benchFolder } from './project.ts';

export interface Workbench {
  readonly seed: number;
  /** How often to measure, in a full and in a short run. */
  times(full: number, short?: number): number;
  /** Reports the progress of the current row. */
  progress(done: number, total: number): void;
  photo(name: PhotoName): Promise<Photo>;
  /** The same photo with a new comment, so that its hash is new; and a file of it. */
  another(name: PhotoName): Promise<{ readonly bytes: Buffer; readonly file: string }>;
  /** `index.js` of a function, packaged as for deployment. */
  packaged(name: FunctionName): string;
  /** The embedded services, with an idle ingest and no worker: no message leaves their queue. */
  services(): Promise<Services>;
  /** The same with a worker, as with `npm start`. */
  whole(): Promise<Stack>;
  worker(script: Script, args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<Worker>;
  /** Stops what `worker` has started, so that the next row has the machine to itself. */
  stopWorkers(): Promise<void>;
  /** Stops everything that was started. */
  stop(): Promise<void>;
}

export interface Services {
  readonly ports: Ports;
  readonly stack: Stack;
  /** As in AWS, except for the addresses. */
  readonly environments: {
    readonly ingest: Readonly<Record<string, string>>;
    readonly resize: Readonly<Record<string, string>>;
  };
  /** Stores an image and its record, as ingest does. @returns the message that S3 sends about it */
  take(image: Buffer): Promise<string>;
  /** Removes all messages from the queue. */
  purge(): Promise<void>;
  /** Presigned URLs to GET an image and to PUT its thumbnail. */
  bareUrls(image: Buffer): Promise<{ readonly getUrl: string; readonly putUrl: string }>;
}

const visibilityTimeoutSeconds = 120;
const urlSeconds = 3600;

const servicesOf = (stack: Stack): Services => {
  const { ports, aws } = stack;
  const s3: S3Client = createS3Client({
    ...accountOf(stack),
    endpoint: endpointOf(ports.s3),
    forcePathStyle: true,
  });
  const values = valuesFor(ports, readSettings({}));
  const account = awsEnvironment(ports, accountOf(stack).credentials);
  return {
    ports,
    stack,
    environments: {
      ingest: { ...account, ...writeEnvironment(ingestEnvironment, values) },
      resize: {
        ...account,
        ...writeEnvironment(resizeFunctionEnvironment, { ...values, lane: 'fast' }),
        ...smallHeap,
      },
    },
    take: async (image) => createdMessage(originalKey(await aws.upload(image))),
    purge: async () => {
      await aws.sqs.send(new PurgeQueueCommand({ QueueUrl: aws.urlOf(resources.resizeQueue) }));
    },
    bareUrls: async (image) => {
      const Key = `bare/${imageIdOf(image)}`;
      const put = { Bucket: resources.thumbnailBucket, Key };
      await s3.send(new PutObjectCommand({ ...put, Body: image }));
      return {
        getUrl: await getSignedUrl(s3, new GetObjectCommand(put), { expiresIn: urlSeconds }),
        putUrl: await getSignedUrl(
          s3,
          new PutObjectCommand({ Bucket: resources.thumbnailBucket, Key: `${Key}.webp` }),
          { expiresIn: urlSeconds },
        ),
      };
    },
  };
};

export const createWorkbench = ({
  seed,
  isShort,
  progress,
}: {
  readonly seed: number;
  readonly isShort: boolean;
  readonly progress: Workbench['progress'];
}): Workbench => {
  const workers = new Set<Worker>();
  const stacks: Promise<Stack>[] = [];
  const packages = new Map<FunctionName, string>();
  let images = 0;

  const startedStack = (count: number): Promise<Stack> => {
    const stack = startStack({ visibilityTimeoutSeconds, workers: count });
    stacks.push(stack);
    return stack;
  };
  let services: Promise<Services> | undefined;
  let whole: Promise<Stack> | undefined;

  const stopWorkers = async (): Promise<void> => {
    const ending = [...workers];
    workers.clear();
    for (const worker of ending) await worker.stop();
  };

  return {
    seed,
    times: (full, short = 2) => (isShort ? short : full),
    progress,
    photo: (name) => photo(name, seed),
    another: async (name) => {
      const { bytes } = await photo(name, seed);
      images += 1;
      const image = numbered(bytes, `${process.pid} ${images}`);
      const folder = join(benchFolder, 'uploads');
      await mkdir(folder, { recursive: true });
      // Four are enough: each is used before it is overwritten.
      const file = join(folder, `${images % 4}.jpg`);
      writeFileSync(file, image);
      return { bytes: image, file };
    },
    packaged: (name) => {
      const indexFile = packages.get(name) ?? packageFunction(name);
      packages.set(name, indexFile);
      return indexFile;
    },
    services: () => {
      services ??= startedStack(0).then(servicesOf);
      return services;
    },
    whole: () => {
      whole ??= startedStack(1);
      return whole;
    },
    worker: async (...what) => {
      const worker = await startWorker(...what);
      workers.add(worker);
      return worker;
    },
    stopWorkers,
    stop: async () => {
      await stopWorkers();
      for (const stack of await Promise.allSettled(stacks.splice(0))) {
        if (stack.status === 'rejected') continue;
        await stack.value.stop();
        await rm(stack.value.logFile, { force: true });
      }
    },
  };
};
