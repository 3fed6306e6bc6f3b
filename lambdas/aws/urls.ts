import { GetObjectCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

export type ReadMethod = 'GET' | 'HEAD';

/** Signs any number of URLs that all expire at the same time. */
export interface UrlSigner {
  readonly expiresAt: Date;
  /** @param method the only one with which the URL works: S3 signs it too */
  sign(key: string, method?: ReadMethod): Promise<string>;
}

/** Presigned URLs for the objects of one bucket. */
export interface Urls {
  signer(): Promise<UrlSigner>;
}

/** The period in which a URL signed now works. It ends with the credentials that sign it at the latest. */
export const signingPeriod = async (s3: S3Client, lifetimeSeconds: number) => {
  const { expiration } = await s3.config.credentials();
  // Signatures have whole seconds.
  const signingDate = new Date(Math.floor(Date.now() / 1000) * 1000);
  const credentialSeconds = expiration
    ? Math.floor((expiration.getTime() - signingDate.getTime()) / 1000)
    : Number.POSITIVE_INFINITY;
  const expiresIn = Math.min(lifetimeSeconds, credentialSeconds);
  return { signingDate, expiresIn, expiresAt: new Date(signingDate.getTime() + expiresIn * 1000) };
};

/** @param signingClient returns the client whose credentials sign */
export const createUrls = (
  signingClient: () => Promise<S3Client>,
  bucket: string,
  lifetimeSeconds: number,
): Urls => ({
  async signer() {
    const s3 = await signingClient();
    const { expiresAt, ...period } = await signingPeriod(s3, lifetimeSeconds);
    return {
      expiresAt,
      sign: (key, method = 'GET') => {
        const Command = method === 'HEAD' ? HeadObjectCommand : GetObjectCommand;
        return getSignedUrl(s3, new Command({ Bucket: bucket, Key: key }), period);
      },
    };
  },
});
