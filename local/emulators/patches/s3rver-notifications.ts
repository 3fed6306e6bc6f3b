/**
 * Translates: the event that s3rver emits for an object.
 * Why: s3rver does not encode the key, and names another region and another bucket ARN.
 * Restores: the message of S3 (S3 User Guide, "Event message structure"), whose key is encoded as in a form.
 * Upstream issue: none found.
 */
import type { S3EventRecord } from '@20minutes/s3rver';
import { region } from '../../aws.ts';

export const notificationOf = (record: S3EventRecord): string => {
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

/** A space becomes `+`; slashes stay. */
const formEncoded = (key: string): string =>
  new URLSearchParams({ key }).toString().slice('key='.length).replaceAll('%2F', '/');
