import {
  CopyObjectCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  NotFound,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { ownerMetadata } from '../aws/originals.ts';
import { type Arrival, arrivalKey, originalKey } from '../image/keys.ts';

/** What a known caller has sent to S3, as S3 describes it. */
export interface StoredArrival {
  readonly owner: string;
  readonly bytes: number;
  /** Only in a bucket that keeps versions. */
  readonly versionId: string | undefined;
}

/**
 * Presigned uploads of known callers. S3 has verified the SHA-256 in the key and the owner in the metadata:
 * both are signed.
 */
export interface ArrivalObjects {
  /** Undefined for one that has been received. */
  find(arrival: Arrival): Promise<StoredArrival | undefined>;
  /** Makes it the original of its image, without its owner. */
  copyToOriginal(arrival: Arrival): Promise<void>;
  /**
   * Empties it. The empty object stays for a day, longer than its URL works, so that S3 refuses a replay.
   *
   * @param stored what was found. No version of it stays
   */
  empty(arrival: Arrival, stored: StoredArrival): Promise<void>;
}

export const createArrivalObjects = (s3: S3Client, bucket: string): ArrivalObjects => ({
  async find(arrival) {
    const Key = arrivalKey(arrival);
    try {
      const { ContentLength, Metadata, VersionId } = await s3.send(
        new HeadObjectCommand({ Bucket: bucket, Key }),
      );
      if (ContentLength === 0) return undefined;
      const owner = Metadata?.[ownerMetadata];
      if (ContentLength === undefined || owner === undefined) {
        throw new Error(`Expected a length and an owner of ${Key} but received ${ContentLength}, ${owner}`);
      }
      return { owner, bytes: ContentLength, versionId: VersionId };
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  },

  async copyToOriginal(arrival) {
    await s3.send(
      new CopyObjectCommand({
        Bucket: bucket,
        Key: originalKey(arrival.id),
        CopySource: `${bucket}/${arrivalKey(arrival)}`,
        // Without the metadata: the original belongs to all its owners.
        MetadataDirective: 'REPLACE',
      }),
    );
  },

  async empty(arrival, { versionId }) {
    const Key = arrivalKey(arrival);
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: '' }));
    if (versionId !== undefined) {
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId: versionId }));
    }
  },
});
