import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CreateQueueCommand, SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { resizeContainerEnvironment } from '../../containers/environment.ts';
import { writeVariables } from '../../lambdas/runtime/environment.ts';
import { smallYoungGeneration } from '../../local/child.ts';
import { cpuMillisecondsOf, familyOf } from '../processes/answer.ts';
import { project } from '../project.ts';
import { measuredOf, pairsOf, type Row, sharedMeasurement } from '../row.ts';
import type { Services, Workbench } from '../workbench.ts';

interface Sample {
  readonly imagesPerSecond: number;
  readonly cpuMillisecondsPerImage: number;
}

const limitSeconds = 120;
const batchSize = 10;

/** containers/resize.ts with a queue of its own; counts the images that are ready. */
const startContainer = async ({ stack, environments }: Services) => {
  const QueueName = 'bench';
  await stack.aws.sqs.send(new CreateQueueCommand({ QueueName }));
  // Not the URL in the reply, which has a host name.
  const QueueUrl = stack.aws.urlOf(QueueName);
  const child: ChildProcess = spawn(
    process.execPath,
    [
      smallYoungGeneration,
      '--import',
      join(project, 'local/end-with-parent.ts'),
      join(project, 'containers/resize.ts'),
    ],
    {
      env: {
        ...environments.resize,
        ...writeVariables(resizeContainerEnvironment, { resizeQueueUrl: QueueUrl }),
      },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    },
  );
  if (child.stdout === null) throw new Error('The container has no output.');
  let made = 0;
  let onReady: (() => void) | undefined;
  const polls = Promise.withResolvers<void>();
  createInterface(child.stdout).on('line', (line) => {
    if (line.includes('"resize polls"')) polls.resolve();
    if (line.includes('"thumbnails stored"')) {
      made += 1;
      onReady?.();
    }
  });
  child.once('exit', () => polls.reject(new Error('The container has ended.')));
  await polls.promise;
  const pid = child.pid ?? 0;
  const cpu = (): number => familyOf(pid).reduce((total, member) => total + cpuMillisecondsOf(member), 0);
  return {
    /** Sends the messages, and waits until their images are ready. */
    work: async (messages: readonly string[]): Promise<Sample> => {
      made = 0;
      const late = Promise.withResolvers<never>();
      late.promise.catch(() => {});
      const timer = setTimeout(
        () => late.reject(new Error(`${made} images in ${limitSeconds} s.`)),
        limitSeconds * 1000,
      );
      const done = new Promise<void>((resolve) => {
        onReady = () => made >= messages.length && resolve();
      });
      const cpuBefore = cpu();
      const startedAt = performance.now();
      for (let start = 0; start < messages.length; start += batchSize) {
        const Entries = messages
          .slice(start, start + batchSize)
          .map((MessageBody, index) => ({ Id: String(index), MessageBody }));
        await stack.aws.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      }
      try {
        await Promise.race([done, late.promise]);
      } finally {
        clearTimeout(timer);
      }
      return {
        imagesPerSecond: (messages.length * 1000) / (performance.now() - startedAt),
        cpuMillisecondsPerImage: (cpu() - cpuBefore) / messages.length,
      };
    },
    stop: async () => {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
};

export const throughputSamples = sharedMeasurement(async (workbench: Workbench) => {
  const services = await workbench.services();
  const cores = availableParallelism();
  const { file } = await workbench.photo('12 MP JPEG');
  const perCore = workbench.times(20, 1);
  const container = await startContainer(services);
  try {
    const bare = await Promise.all(Array.from({ length: cores }, () => workbench.worker('bare/decode')));
    const pairs = await pairsOf(
      workbench,
      { full: 8, warmUp: 1 },
      async () => {
        const messages: string[] = [];
        for (let number = 0; number < perCore * cores; number += 1) {
          messages.push(await services.take((await workbench.another('12 MP JPEG')).bytes));
        }
        return container.work(messages);
      },
      async (): Promise<Sample> => {
        const startedAt = performance.now();
        const costs = await Promise.all(bare.map((worker) => worker.run({ file, count: perCore })));
        const cpu = costs.reduce((total, { cpuMilliseconds }) => total + cpuMilliseconds, 0);
        return {
          imagesPerSecond: (perCore * cores * 1000) / (performance.now() - startedAt),
          cpuMillisecondsPerImage: cpu / (perCore * cores),
        };
      },
    );
    await services.purge();
    return pairs;
  } finally {
    await container.stop();
  }
});

const throughput: Row = {
  key: 'throughput',
  what: 'throughput of a worker on all cores, which it shares with S3, SQS and DynamoDB',
  against: 'a bare sharp process on each core',
  goal: { be: 'at least', ratio: 0.95 },
  measure: async (workbench) =>
    measuredOf(
      'images/s',
      (await throughputSamples(workbench)).map(({ ours, theirs }) => ({
        ours: ours.imagesPerSecond,
        theirs: theirs.imagesPerSecond,
      })),
    ),
};

const throughputCpu: Row = {
  key: 'throughput-cpu',
  what: 'the same: CPU of the worker and its decoders for each image',
  against: 'the CPU of the bare processes',
  measure: async (workbench) =>
    measuredOf(
      'ms of CPU',
      (await throughputSamples(workbench)).map(({ ours, theirs }) => ({
        ours: ours.cpuMillisecondsPerImage,
        theirs: theirs.cpuMillisecondsPerImage,
      })),
    ),
};

export const throughputRows: readonly Row[] = [throughput, throughputCpu];
