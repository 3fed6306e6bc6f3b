import { randomUUID } from 'node:crypto';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { ImageId } from '../image/id.ts';
import { arrivalKey, originalKey } from '../image/keys.ts';
import { ownerMetadata, uploadIdMetadata } from './originals.ts';
import { signingPeriod } from './urls.ts';

/** A request that a client sends directly to S3. */
export interface PresignedUpload {
  readonly method: 'PUT';
  readonly url: string;
  /** S3 refuses the upload unless it carries exactly these. */
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresAt: string;
}

export interface SignedUpload {
  /** Random. The stored original carries it, which proves that the client had the bytes. */
  readonly uploadId: string;
  readonly request: PresignedUpload;
}

/** Presigns uploads of originals that are too large for a request to the API. */
export interface Uploads {
  /**
   * Allows exactly these bytes, once: S3 refuses a body of another length (403) or another SHA-256 (400), and
   * an upload of an image that is stored already (412).
   *
   * @param owner whose upload it is: it then has a key of its own, so that nothing shows whether others have
   *   stored the same image. @default - anyone's, straight to the original
   */
  sign(id: ImageId, bytes: number, owner?: string): Promise<SignedUpload>;
}

export const createUploads = (
  signingClient: () => Promise<S3Client>,
  bucket: string,
  lifetimeSeconds: number,
): Uploads => ({
  async sign(id, bytes, owner) {
    const s3 = await signingClient();
    const { expiresAt, ...period } = await signingPeriod(s3, lifetimeSeconds);
    const checksum = Buffer.from(id, 'hex').toString('base64');
    const uploadId = randomUUID();
    const metadata = { [uploadIdMetadata]: uploadId, ...(owner && { [ownerMetadata]: owner }) };
    // Signed as headers: S3 refuses (403) a request that omits or changes one. If-None-Match prevents
    // overwrites (S3 User Guide, "How to prevent object overwrites with conditional writes").
    const headers = {
      'x-amz-checksum-sha256': checksum,
      'if-none-match': '*',
      ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
    };
    const url = await getSignedUrl(
      s3,
      new PutObjectCommand({
        Bucket: bucket,
        Key: owner === undefined ? originalKey(id) : arrivalKey({ id, uploadId }),
        ContentLength: bytes,
        ChecksumSHA256: checksum,
        IfNoneMatch: '*',
        Metadata: metadata,
      }),
      { ...period, unhoistableHeaders: new Set(Object.keys(headers)) },
    );
    return { uploadId, request: { method: 'PUT', url, headers, expiresAt: expiresAt.toISOString() } };
  },
});
