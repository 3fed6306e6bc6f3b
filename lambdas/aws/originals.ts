import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { HttpRequest } from '@smithy/core/transport';
import { ImageError } from '../image/errors.ts';
import type { ImageId } from '../image/id.ts';
import { originalKey } from '../image/keys.ts';
import type { OriginalType } from '../image/original-type.ts';

/** The object metadata that holds the id of the presigned upload that stored an original (`x-amz-meta-upload-id`). */
export const uploadIdMetadata = 'upload-id';

/** What S3 knows of a stored original. */
export interface StoredOriginal {
  readonly bytes: number;
  /** Which presigned upload stored it; undefined for an inline upload. */
  readonly uploadId: string | undefined;
}

/** The uploaded images, each under the hash of its bytes. */
export interface Originals {
  /** Stores an original unless it is there already; says which of the two it was. */
  put(id: ImageId, bytes: Uint8Array, contentType: OriginalType): Promise<'stored' | 'already-stored'>;
  /** Undefined when there is none. */
  head(id: ImageId): Promise<StoredOriginal | undefined>;
  /** @throws ImageError `original-missing` when there is none: it was deleted after its event was sent */
  open(id: ImageId): Promise<StoredOriginal & { readonly body: Readable }>;
}

/** S3 answers 409 to a conditional write that raced another one of the same key, and asks to try again. */
const conflictAttempts = 5;

export const createOriginals = (s3: S3Client, bucket: string): Originals => ({
  async put(id, bytes, contentType) {
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: originalKey(id),
      Body: bytes,
      ContentType: contentType,
      ChecksumSHA256: Buffer.from(id, 'hex').toString('base64'),
      IfNoneMatch: '*',
    });
    // The signature covers the body's SHA-256 as well, which the SDK would work out once more (1 ms for each megabyte).
    command.middlewareStack.add(
      (next) => (request) => {
        if (HttpRequest.isInstance(request.request)) request.request.headers['x-amz-content-sha256'] = id;
        return next(request);
      },
      { step: 'build' },
    );
    for (let attempt = 1; ; attempt += 1) {
      try {
        await s3.send(command);
        return 'stored';
      } catch (error) {
        if (!(error instanceof S3ServiceException)) throw error;
        if (error.name === 'PreconditionFailed') return 'already-stored';
        if (error.name !== 'ConditionalRequestConflict' || attempt === conflictAttempts) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50 * attempt));
      }
    }
  },

  async head(id) {
    try {
      const { ContentLength, Metadata } = await s3.send(
        new HeadObjectCommand({ Bucket: bucket, Key: originalKey(id) }),
      );
      if (ContentLength === undefined) throw new Error(`S3 named no length of ${originalKey(id)}`);
      return { bytes: ContentLength, uploadId: Metadata?.[uploadIdMetadata] };
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  },

  async open(id) {
    try {
      const { Body, ContentLength, Metadata } = await s3.send(
        new GetObjectCommand({ Bucket: bucket, Key: originalKey(id) }),
      );
      if (!(Body instanceof Readable) || ContentLength === undefined) {
        throw new Error(`S3 sent no stream of a known length for ${originalKey(id)}`);
      }
      // That it breaks off is told to whoever reads it; nobody may have begun to.
      Body.on('error', () => {});
      return { bytes: ContentLength, uploadId: Metadata?.[uploadIdMetadata], body: Body };
    } catch (error) {
      if (!(error instanceof NoSuchKey)) throw error;
      throw new ImageError('original-missing', 'The original is no longer in the raw bucket.', {
        cause: error,
      });
    }
  },
});
