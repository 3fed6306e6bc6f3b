import type { S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts';
import { createS3Client, createSTSClient } from './clients.ts';

/** The longest session of a role that another role assumes (IAM User Guide, "Role chaining"). */
const sessionSeconds = 3600;

/**
 * A client that signs as `roleArn`. Lambda does not reveal when a function's own credentials expire, so a URL
 * signed with them could stop working at any moment. The role is assumed again after half its time, so every
 * URL works for half an hour at least.
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
      throw new Error(`Expected credentials of ${roleArn} but received only some of their fields`);
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
