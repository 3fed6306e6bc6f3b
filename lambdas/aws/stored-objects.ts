import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsOutput,
  type S3Client,
} from '@aws-sdk/client-s3';

/** The objects of a bucket, to remove them. */
export interface StoredObjects {
  /**
   * Removes an object, with all its versions if the bucket keeps them.
   *
   * @param key the key; if it ends with a slash, all objects below it
   */
  remove(key: string, stopping: AbortSignal): Promise<void>;
}

/** Lists versions in every bucket: one without versioning has one version of each object, named `null`. */
export const createStoredObjects = (s3: S3Client, Bucket: string): StoredObjects => ({
  async remove(key, abortSignal) {
    const isMeant = (found: string | undefined): boolean => key.endsWith('/') || found === key;
    let next: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } | undefined = {};
    while (next !== undefined) {
      // A page has at most 1,000 versions (S3 API Reference, `ListObjectVersions`).
      const page: ListObjectVersionsOutput = await s3.send(
        new ListObjectVersionsCommand({ Bucket, Prefix: key, ...next }),
        { abortSignal },
      );
      const versions = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
      await Promise.all(
        versions
          .filter(({ Key }) => isMeant(Key))
          .map(({ Key, VersionId }) =>
            s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }), { abortSignal }),
          ),
      );
      next = page.IsTruncated
        ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
        : undefined;
    }
  },
});
