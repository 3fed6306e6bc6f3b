import {
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

/** The stored thumbnails, each under the key that its image and variant determine. */
export interface Thumbnails {
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>;
  /** @returns the bytes, or undefined if there is none */
  get(key: string): Promise<Uint8Array | undefined>;
  exists(key: string): Promise<boolean>;
}

export const createThumbnails = (s3: S3Client, bucket: string): Thumbnails => ({
  async put(key, bytes, contentType) {
    await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: bytes,
        ContentType: contentType,
        // A key's thumbnail never changes. Private, because a presigned URL is for its recipient alone.
        CacheControl: 'private, max-age=31536000, immutable',
      }),
    );
  },

  async get(key) {
    try {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      if (Body === undefined) throw new Error(`Expected a body of ${key} but received none`);
      return await Body.transformToByteArray();
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  },

  async exists(key) {
    try {
      await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
      return true;
    } catch (error) {
      if (error instanceof NotFound) return false;
      throw error;
    }
  },
});
