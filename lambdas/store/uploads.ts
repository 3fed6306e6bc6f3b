import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { ImageId } from '../image/id.ts';
import { originalKey } from '../image/keys.ts';
import { signingPeriod } from './urls.ts';

/** A request that a client may make by itself, straight to S3. */
export interface PresignedUpload {
  readonly method: 'PUT';
  readonly url: string;
  /** To be sent exactly so: S3 refuses the upload without them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresAt: string;
}

/** Presigned uploads of originals that are too large for one request to the API. */
export interface Uploads {
  /** Allows exactly these bytes: S3 refuses a body with another length (403) or another SHA-256 (400). */
  sign(id: ImageId, bytes: number): Promise<PresignedUpload>;
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
    const url = await getSignedUrl(
      s3,
      new PutObjectCommand({
        Bucket: bucket,
        Key: originalKey(id),
        ContentLength: bytes,
        ChecksumSHA256: checksum,
      }),
      {
        ...period,
        unhoistableHeaders: new Set(['x-amz-checksum-sha256']),
      },
    );
    return {
      method: 'PUT',
      url,
      headers: { 'x-amz-checksum-sha256': checksum },
      expiresAt: expiresAt.toISOString(),
    };
  },
});
