import { randomUUID } from 'node:crypto';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { ImageId } from '../image/id.ts';
import { originalKey } from '../image/keys.ts';
import { uploadIdMetadata } from './originals.ts';
import { signingPeriod } from './urls.ts';

/** A request that a client may make by itself, straight to S3. */
export interface PresignedUpload {
  readonly method: 'PUT';
  readonly url: string;
  /** To be sent exactly so: S3 refuses the upload without them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresAt: string;
}

export interface SignedUpload {
  /** Random. The original that is stored with this upload carries it, so it proves that its sender had the bytes. */
  readonly uploadId: string;
  readonly request: PresignedUpload;
}

/** Presigned uploads of originals that are too large for one request to the API. */
export interface Uploads {
  /**
   * Allows exactly these bytes, once: S3 refuses a body with another length (403) or another SHA-256 (400), and any
   * upload of an image that is stored already (412).
   */
  sign(id: ImageId, bytes: number): Promise<SignedUpload>;
}

export const createUploads = (
  signingClient: () => Promise<S3Client>,
  bucket: string,
  lifetimeSeconds: number,
): Uploads => ({
  async sign(id, bytes) {
    const s3 = await signingClient();
    const { expiresAt, ...period } = await signingPeriod(s3, lifetimeSeconds);
    const checksum = Buffer.from(id, 'hex').toString('base64');
    const uploadId = randomUUID();
    // Each is signed as a header, so S3 refuses (403) a request that leaves one out or changes it. With If-None-Match it
    // also refuses what would replace an object (S3 User Guide, "How to prevent object overwrites with conditional
    // writes").
    const headers = {
      'x-amz-checksum-sha256': checksum,
      'if-none-match': '*',
      [`x-amz-meta-${uploadIdMetadata}`]: uploadId,
    };
    const url = await getSignedUrl(
      s3,
      new PutObjectCommand({
        Bucket: bucket,
        Key: originalKey(id),
        ContentLength: bytes,
        ChecksumSHA256: checksum,
        IfNoneMatch: '*',
        Metadata: { [uploadIdMetadata]: uploadId },
      }),
      { ...period, unhoistableHeaders: new Set(Object.keys(headers)) },
    );
    return { uploadId, request: { method: 'PUT', url, headers, expiresAt: expiresAt.toISOString() } };
  },
});
