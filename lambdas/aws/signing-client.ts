import type { S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts';
import { createS3Client, createSTSClient } from './clients.ts';

/** A role assumed by another role lasts an hour at most (IAM User Guide, "Role chaining"). */
const sessionSeconds = 3600;

/**
 * A client that signs as `roleArn`. Lambda does not tell a function when its own credentials end, so a URL signed
 * with them could die at any moment; an assumed role's end is known. It is assumed anew once half its time is over:
 * a URL signed at any moment has at least half an hour to live.
 */
export const createSigningClient = (
  roleArn: string,
  sts: STSClient = createSTSClient(),
): (() => Promise<S3Client>) => {
  let session: { readonly client: S3Client; readonly renewAt: number } | undefined;
  let renewing: ReturnType<typeof assumeRole> | undefined;

  const assumeRole = async () => {
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({
        RoleArn: roleArn,
        RoleSessionName: 'thumbnail-urls',
        DurationSeconds: sessionSeconds,
      }),
    );
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
      throw new Error(`STS gave incomplete credentials for ${roleArn}`);
    }
    const client = createS3Client({
      credentials: {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
        expiration: Expiration,
      },
    });
    return { client, renewAt: (Date.now() + Expiration.getTime()) / 2 };
  };

  return async () => {
    if (session === undefined || Date.now() >= session.renewAt) {
      renewing ??= assumeRole().finally(() => {
        renewing = undefined;
      });
      session = await renewing;
    }
    return session.client;
  };
};
