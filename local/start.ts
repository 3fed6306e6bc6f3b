import { join } from 'node:path';
import { originalPrefix } from '../lambdas/image/keys.ts';
import type { IngestEnvironment } from '../lambdas/ingest/environment.ts';
import type { ResizeEnvironment } from '../lambdas/resize/environment.ts';
import { awsEnvironment } from './aws.ts';
import { startChild } from './child.ts';
import { type Options, readOptions } from './options.ts';
import { host, refuseBusyPorts, untilListening } from './ports.ts';
import { startQueue } from './queue.ts';
import { startS3 } from './s3.ts';
import { StartError } from './start-error.ts';

/** What runs, in the order in which it was started. */
const running: { stop(): Promise<unknown> }[] = [];

const start = async ({ settings, ports, stateDirectory, isNpmScript }: Options): Promise<void> => {
  if (isNpmScript) stopWithShell();
  await refuseBusyPorts({ API: ports.api, S3: ports.s3, SQS: ports.sqs });

  const queue = await startQueue({ port: ports.sqs, directory: join(stateDirectory, 'sqs'), name: 'resize' });
  running.push(queue);

  const buckets = { RAW_BUCKET: 'raw-images', THUMBNAIL_BUCKET: 'thumbnail-images' } as const;
  const s3 = await startS3({
    port: ports.s3,
    directory: join(stateDirectory, 's3'),
    buckets: Object.values(buckets),
    notification: { bucket: buckets.RAW_BUCKET, prefix: originalPrefix, send: queue.send },
  });
  running.push(s3);

  const common = {
    ...awsEnvironment({ s3: s3.endpoint, sqs: queue.endpoint }),
    ...buckets,
    VARIANTS: JSON.stringify(settings.variants),
  };
  const children = [
    startChild({
      name: 'ingest',
      entry: 'containers/ingest.ts',
      environment: {
        ...common,
        MAX_INLINE_BYTES: String(settings.maxInlineBytes),
        URL_LIFETIME_SECONDS: String(settings.urlLifetimeSeconds),
        STAGE: settings.stage,
        HOST: host,
        PORT: String(ports.api),
      } satisfies IngestEnvironment & Record<string, string>,
      works: (signal) => untilListening(ports.api, signal),
    }),
    startChild({
      name: 'resize',
      entry: 'containers/resize.ts',
      environment: { ...common, RESIZE_QUEUE_URL: queue.url } satisfies ResizeEnvironment &
        Record<string, string>,
      works: () => queue.firstPoll,
    }),
  ];
  running.push({ stop: () => Promise.all(children.map((child) => child.stop())) });
  await Promise.all(children.map((child) => child.ready));

  console.log(`
  Thumbnail Generator runs on this machine. Post an image:

    curl --request POST -H "Content-Type: image/jpg" --data-binary "@photo.jpg" http://${host}:${ports.api}/${settings.stage}/upload_image

  The reply's "url" shows the thumbnail in a browser, a moment later. For that URL alone add -H "Accept: text/plain".
  Images and work not yet done are kept in ${stateDirectory}. Ctrl-C stops everything. The services' logs follow.
`);
};

let isStopping = false;

/** Consumers go before what they talk to. */
const stop = async (exitCode: number): Promise<void> => {
  // npm passes on a Ctrl-C that we have had from the terminal already: the second one means nothing.
  if (isStopping) return;
  isStopping = true;
  try {
    for (const service of running.toReversed()) await service.stop();
  } finally {
    process.exit(exitCode);
  }
};

/** A SIGTERM for npm ends the shell between npm and us, which does not pass it on: we would be left behind. */
const stopWithShell = (): void => {
  const shell = process.ppid;
  setInterval(() => process.ppid === shell || stop(0), 500).unref();
};

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(0));

try {
  await start(readOptions(process.argv.slice(2), process.env));
} catch (error) {
  console.error(error instanceof StartError ? `\n${error.message}\n` : error);
  await stop(1);
}
