import { once } from 'node:events';
import { createServer } from 'node:http';
import S3rver from '@20minutes/s3rver';
import { host } from '../ports.ts';
import { closeServer } from './close.ts';
import type { Disk } from './disk.ts';
import { type Guard, ownRequestsOnly } from './own-requests-only.ts';
import { notificationOf } from './patches/s3rver-notifications.ts';
import { replaceAccessKey, requireSignatures } from './patches/s3rver-signatures.ts';
import { listVersions } from './patches/s3rver-versions.ts';
import { makeWritesAtomic } from './patches/s3rver-whole-objects.ts';

export interface S3Props {
  readonly port: number;
  readonly directory: string;
  readonly disk: Disk;
  readonly guard: Guard;
  readonly buckets: readonly string[];
  /** Where events of new objects under `prefix` of `bucket` go. */
  readonly notification: {
    readonly bucket: string;
    readonly prefix: string;
    /** If it throws, the upload fails with an error of S3. */
    readonly send: (message: string) => void;
  };
}

export interface S3 {
  stop(): Promise<void>;
}

/** An S3 emulator with private buckets, atomic writes and event notifications. */
export const startS3 = async (props: S3Props): Promise<S3> => {
  const { port, directory, disk, guard, buckets, notification } = props;
  replaceAccessKey(guard.credentials);
  const s3 = new S3rver({
    directory,
    silent: true,
    vhostBuckets: false,
    configureBuckets: buckets.map((name) => ({ name, configs: [pageRules(guard.origins)] })),
  });
  await s3.configureBuckets();
  await makeWritesAtomic(s3.store, { directory, disk });
  requireSignatures(s3);
  listVersions();
  s3.on('event', ({ Records }) => {
    for (const record of Records) {
      const { bucket, object } = record.s3;
      if (!record.eventName.startsWith('ObjectCreated:')) continue;
      if (bucket.name !== notification.bucket || !object.key.startsWith(notification.prefix)) continue;
      notification.send(notificationOf(record));
    }
  });

  const server = createServer(s3.callback());
  // s3rver verifies all signatures itself, including presigned URLs.
  ownRequestsOnly(server, guard, () => true, true);
  await once(server.listen(port, host), 'listening');
  return { stop: () => closeServer(server) };
};

/** The CORS rules that a deployed bucket has, in the XML of S3 (S3 API Reference, `PutBucketCors`). */
const pageRules = (origins: readonly string[]): string => {
  const list = (name: string, values: readonly string[]): string =>
    values.map((value) => `<${name}>${value}</${name}>`).join('');
  const rule = [
    list('AllowedOrigin', origins),
    list('AllowedMethod', ['GET', 'HEAD', 'PUT']),
    list('AllowedHeader', ['*']),
    list('ExposeHeader', ['ETag']),
  ].join('');
  return `<CORSConfiguration><CORSRule>${rule}</CORSRule></CORSConfiguration>`;
};
