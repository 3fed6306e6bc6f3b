import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import S3rver, { type FilesystemStore, type Middleware, type S3EventRecord } from '@20minutes/s3rver';
import { region } from './aws.ts';
import { host } from './ports.ts';

export interface S3Props {
  readonly port: number;
  /** Where the objects are kept. */
  readonly directory: string;
  readonly buckets: readonly string[];
  /** Told of every object that is created in `bucket` under `prefix`. */
  readonly notification: {
    readonly bucket: string;
    readonly prefix: string;
    /** When it throws, the object counts as not stored: whoever put it learns so and tries again. */
    readonly send: (message: string) => void;
  };
}

export interface S3 {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** S3 as the product sees it: signatures verified, private buckets, whole objects, notifications. */
export const startS3 = async ({ port, directory, buckets, notification }: S3Props): Promise<S3> => {
  const s3 = new S3rver({
    directory,
    silent: true,
    vhostBuckets: false,
    configureBuckets: buckets.map((name) => ({ name })),
  });
  await s3.configureBuckets();
  await putWholeObjectsOnly(s3.store, directory);
  s3.middleware.unshift(refuseUnsigned);
  s3.on('event', ({ Records }) => {
    for (const record of Records) {
      const { bucket, object } = record.s3;
      if (!record.eventName.startsWith('ObjectCreated:')) continue;
      if (bucket.name !== notification.bucket || !object.key.startsWith(notification.prefix)) continue;
      notification.send(messageOf(record));
    }
  });

  const server = createServer(s3.callback());
  await once(server.listen(port, host), 'listening');
  return {
    endpoint: `http://${host}:${port}`,
    stop: async () => {
      const closed = once(server.close(), 'close');
      server.closeAllConnections();
      await closed;
    },
  };
};

/** The deployed buckets are private. s3rver verifies every signature that is sent, but serves whoever sends none. */
const refuseUnsigned: Middleware = async (context, next) => {
  if ('authorization' in context.headers || 'X-Amz-Algorithm' in context.query) return next();
  context.status = 403;
  context.type = 'application/xml';
  context.body = '<Error><Code>AccessDenied</Code><Message>The request is not signed.</Message></Error>';
};

/**
 * S3 shows an object whole or not at all; s3rver writes into its final place. So each one is written aside first, and
 * its content moved last: a thumbnail is never served by half, and a killed process leaves no torn original.
 */
const putWholeObjectsOnly = async (store: FilesystemStore, directory: string): Promise<void> => {
  const aside = '.unfinished';
  await rm(join(directory, aside), { recursive: true, force: true });
  const put = store.putObject.bind(store);
  store.putObject = async (object) => {
    const unfinished = { ...object, bucket: aside, key: randomUUID() };
    const result = await put(unfinished);
    await mkdir(dirname(store.getResourcePath(object.bucket, object.key, 'object')), { recursive: true });
    for (const part of ['metadata.json', 'object.md5', 'object']) {
      await rename(
        store.getResourcePath(unfinished.bucket, unfinished.key, part),
        store.getResourcePath(object.bucket, object.key, part),
      );
    }
    return result;
  };
};

/** The notification as S3 sends it, where s3rver's differs: the key encoded as forms are, the true bucket and region. */
const messageOf = (record: S3EventRecord): string => {
  const { bucket, object } = record.s3;
  return JSON.stringify({
    Records: [
      {
        ...record,
        eventVersion: '2.1',
        awsRegion: region,
        s3: {
          ...record.s3,
          bucket: { ...bucket, arn: `arn:aws:s3:::${bucket.name}` },
          object: { ...object, key: formEncoded(object.key) },
        },
      },
    ],
  });
};

/** A space becomes `+`; only the slash stays readable. */
const formEncoded = (key: string): string =>
  new URLSearchParams({ key }).toString().slice('key='.length).replaceAll('%2F', '/');
