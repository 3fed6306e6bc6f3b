/**
 * Patches: the bucket controller and the signatures of s3rver.
 * Why: it does not list versions. It also leaves out the slash after the bucket's name, which the SDK signs
 * in requests about a bucket.
 * Restores: a bucket without versioning has one version of each object, named `null`.
 * Upstream issue: none found.
 */
import controller, { type BucketContext } from '@20minutes/s3rver/lib/controllers/bucket.js';
import signature from '@20minutes/s3rver/lib/signature/v4.js';

const maxKeys = 1000;

let isPatched = false;

export const listVersions = (): void => {
  if (isPatched) return;
  isPatched = true;
  const getStringToSign = signature.getStringToSign.bind(signature);
  signature.getStringToSign = (canonical, request) => {
    const isAboutBucket = /^\/[^/]+$/.test(canonical.uri);
    return getStringToSign(isAboutBucket ? { ...canonical, uri: `${canonical.uri}/` } : canonical, request);
  };
  // Listed there, the parameter is refused before any method of the controller is called.
  controller.METHODS.splice(controller.METHODS.indexOf('versions'), 1);
  const getBucket = controller.getBucket.bind(controller);
  controller.getBucket = async (context) => {
    if (!('versions' in context.query)) return getBucket(context);
    context.body = await versionsOf(context);
  };
};

const versionsOf = async ({ params, query, store }: BucketContext) => {
  const { prefix = '', 'key-marker': startAfter } = query;
  const { objects, isTruncated } = await store.listObjects(params.bucket, { prefix, startAfter, maxKeys });
  return {
    ListVersionsResult: {
      '@': { xmlns: 'http://s3.amazonaws.com/doc/2006-03-01/' },
      Name: params.bucket,
      Prefix: prefix,
      MaxKeys: maxKeys,
      IsTruncated: isTruncated,
      NextKeyMarker: isTruncated ? objects.at(-1)?.key : undefined,
      Version: objects.map(({ key, lastModifiedDate, size }) => ({
        Key: key,
        VersionId: 'null',
        IsLatest: true,
        LastModified: lastModifiedDate.toISOString(),
        Size: size,
      })),
    },
  };
};
