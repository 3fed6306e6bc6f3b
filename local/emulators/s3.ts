import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, renameSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import S3rver, { type FilesystemStore, type Middleware, type S3EventRecord } from '@20minutes/s3rver';
import AWSAccount from '@20minutes/s3rver/lib/models/account.js';
import S3Error from '@20minutes/s3rver/lib/models/error.js';
import { region } from '../aws.ts';
import type { Credentials } from '../data-folder.ts';
import { host } from '../ports.ts';
import { type Disk, isFailedWrite } from './disk.ts';
import { type Guard, ownRequestsOnly } from './own-requests-only.ts';

export interface S3Props {
  readonly port: number;
  /** Where the objects are kept. */
  readonly directory: string;
  readonly disk: Disk;
  readonly guard: Guard;
  readonly buckets: readonly string[];
  /** Told of every object that is created in `bucket` under `prefix`. */
  readonly notification: {
    readonly bucket: string;
    readonly prefix: string;
    /** When it throws, whoever put the object is told that S3 failed. */
    readonly send: (message: string) => void;
  };
}

export interface S3 {
  stop(): Promise<void>;
}

/** S3 as the product sees it: signatures verified, private buckets, whole objects, notifications. */
export const startS3 = async (props: S3Props): Promise<S3> => {
  const { port, directory, disk, guard, buckets, notification } = props;
  knowOnly(guard.credentials);
  const s3 = new S3rver({
    directory,
    silent: true,
    vhostBuckets: false,
    configureBuckets: buckets.map((name) => ({ name })),
  });
  await s3.configureBuckets();
  await putWholeObjectsOnly(s3.store, directory, disk);
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
  // It verifies every signature itself, also those in URLs, which show the access key to whoever has one.
  ownRequestsOnly(server, guard, () => true);
  await once(server.listen(port, host), 'listening');
  return {
    stop: async () => {
      const closed = once(server.close(), 'close');
      server.closeAllConnections();
      await closed;
    },
  };
};

/** s3rver knows one account, with a key that anyone can read in its source, and has no option for another. */
const knowOnly = ({ accessKeyId, secretAccessKey }: Credentials): void => {
  const { DUMMY_ACCOUNT } = AWSAccount;
  for (const key of [...DUMMY_ACCOUNT.accessKeys.keys()]) DUMMY_ACCOUNT.revokeAccessKey(key);
  DUMMY_ACCOUNT.createKeyPair(accessKeyId, secretAccessKey);
};

/**
 * The deployed buckets are private. s3rver verifies every signature that is sent, but serves whoever sends none, and
 * obeys headers that nobody signed: with one of them a presigned upload would copy any other object.
 */
const refuseUnsigned: Middleware = async (context, next) => {
  const { headers, query } = context;
  const signedHeaders = String(query['X-Amz-SignedHeaders'] ?? '').split(';');
  const isSigned = (name: string): boolean => !name.startsWith('x-amz-') || signedHeaders.includes(name);
  if ('authorization' in headers) return next();
  if ('X-Amz-Algorithm' in query && Object.keys(headers).every(isSigned)) return next();
  context.status = 403;
  context.type = 'application/xml';
  context.body = '<Error><Code>AccessDenied</Code><Message>The request is not signed.</Message></Error>';
};

/**
 * S3 shows an object whole or not at all; s3rver writes into its final place. So each one is written aside first, and
 * its content moved last: a thumbnail is never served by half, and a killed process leaves no torn original.
 * Before that it is judged by two headers that s3rver ignores: a checksum of the body, and `If-None-Match: *`.
 */
const putWholeObjectsOnly = async (store: FilesystemStore, directory: string, disk: Disk): Promise<void> => {
  const aside = '.unfinished';
  await rm(join(directory, aside), { recursive: true, force: true });
  const put = store.putObject.bind(store);
  store.putObject = async (object) => {
    const headers = object.content.headers ?? {};
    const sha256 = createHash('sha256');
    const hashed = async function* () {
      // When a write fails, the sender is to get an answer: by default, to read no further would end the connection.
      for await (const chunk of object.content.iterator?.({ destroyOnReturn: false }) ?? object.content) {
        sha256.update(chunk);
        yield chunk;
      }
    };
    const folder = randomUUID();
    const unfinished = { ...object, content: hashed(), bucket: aside, key: `${folder}/object` };
    try {
      const result = await put(unfinished);
      const announced = headers['x-amz-checksum-sha256'];
      if (announced !== undefined && announced !== sha256.digest('base64')) {
        throw new S3Error('BadDigest', 'The SHA256 you specified did not match the calculated checksum.');
      }
      const partPath = (part: string) => store.getResourcePath(object.bucket, object.key, part);
      await mkdir(dirname(partPath('object')), { recursive: true });
      // From here on nothing else of this process runs: of several writers to a new key one comes first.
      if (headers['if-none-match'] === '*' && existsSync(partPath('object'))) {
        throw new S3Error(
          'PreconditionFailed',
          'At least one of the pre-conditions you specified did not hold',
        );
      }
      for (const part of ['metadata.json', 'object.md5', 'object']) {
        renameSync(store.getResourcePath(unfinished.bucket, unfinished.key, part), partPath(part));
      }
      return result;
    } catch (error) {
      if (isFailedWrite(error)) disk.failed(error);
      // The rest of the body: it stands before the next request.
      object.content.resume?.();
      throw error;
    } finally {
      await rm(join(directory, aside, folder), { recursive: true, force: true });
    }
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
