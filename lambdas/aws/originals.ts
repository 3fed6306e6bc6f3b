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
import { keptForEver, millisecondsPerDay, type Retention } from '../image/retention.ts';

/** Object metadata: the presigned upload that stored an original (`x-amz-meta-upload-id`). */
export const uploadIdMetadata = 'upload-id';

/** Object metadata: the owner of an arrival (`x-amz-meta-owner`). */
export const ownerMetadata = 'owner';

/** A stored original, as S3 describes it. */
export interface StoredOriginal {
  readonly bytes: number;
  /** The presigned upload that stored it; undefined for an inline upload. */
  readonly uploadId: string | undefined;
}

/**
 * The uploaded images, each under the hash of its bytes. S3 removes expired ones within days; from the
 * moment on at which an original expires, it counts as missing.
 */
export interface Originals {
  /** Stores an original unless it is stored already. */
  put(id: ImageId, bytes: Uint8Array, contentType: OriginalType): Promise<'stored' | 'already-stored'>;
  /** Undefined when there is none. */
  head(id: ImageId): Promise<StoredOriginal | undefined>;
  /**
   * The caller must read or destroy the body.
   *
   * @throws ImageError `original-missing`: it was deleted after its event was sent
   */
  open(id: ImageId): Promise<StoredOriginal & { readonly body: Readable }>;
}

/** S3 replies 409 to one of two simultaneous conditional writes of the same key, which has to be repeated. */
const maxAttempts = 5;

/** @param retention when originals expire. @default - never */
export const createOriginals = (
  s3: S3Client,
  bucket: string,
  { originalDays }: Pick<Retention, 'originalDays'> = keptForEver,
): Originals => {
  const isExpired = (storedAt: Date | undefined): boolean =>
    originalDays !== null &&
    storedAt !== undefined &&
    Date.now() - storedAt.getTime() >= originalDays * millisecondsPerDay;

  const head = async (id: ImageId): Promise<StoredOriginal | undefined> => {
    try {
      const { ContentLength, Metadata, LastModified } = await s3.send(
        new HeadObjectCommand({ Bucket: bucket, Key: originalKey(id) }),
      );
      if (isExpired(LastModified)) return undefined;
      if (ContentLength === undefined)
        throw new Error(`Expected a length of ${originalKey(id)} but received none`);
      return { bytes: ContentLength, uploadId: Metadata?.[uploadIdMetadata] };
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  };

  /** The same bytes again, so that they do not expire soon. */
  const isOverwritable = async (id: ImageId): Promise<boolean> =>
    originalDays !== null && (await head(id)) === undefined;

  return {
    async put(id, bytes, contentType) {
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: originalKey(id),
        Body: bytes,
        ContentType: contentType,
        ChecksumSHA256: Buffer.from(id, 'hex').toString('base64'),
        IfNoneMatch: '*',
      });
      // The signature covers the body's SHA-256, which the SDK would compute again (1 ms per megabyte).
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
          if (error.name === 'PreconditionFailed') {
            if (attempt === maxAttempts || !(await isOverwritable(id))) return 'already-stored';
            command.input.IfNoneMatch = undefined;
            continue;
          }
          if (error.name !== 'ConditionalRequestConflict' || attempt === maxAttempts) throw error;
          await new Promise((resolve) => setTimeout(resolve, 50 * attempt));
        }
      }
    },

    head,

    async open(id) {
      try {
        const { Body, ContentLength, Metadata, LastModified } = await s3.send(
          new GetObjectCommand({ Bucket: bucket, Key: originalKey(id) }),
        );
        if (!(Body instanceof Readable) || ContentLength === undefined) {
          throw new Error(`Expected a stream of known length for ${originalKey(id)} but received none`);
        }
        // A reader gets the error anyway. Before there is one, it would end the process.
        Body.on('error', () => {});
        if (isExpired(LastModified)) {
          Body.destroy();
          throw new ImageError('original-missing', 'The original has expired.');
        }
        return { bytes: ContentLength, uploadId: Metadata?.[uploadIdMetadata], body: Body };
      } catch (error) {
        if (!(error instanceof NoSuchKey)) throw error;
        throw new ImageError('original-missing', 'The original is no longer in the raw bucket.', {
          cause: error,
        });
      }
    },
  };
};
