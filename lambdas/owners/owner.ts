import { createHash } from 'node:crypto';
import type { KnownCaller } from '../runtime/caller.ts';
import { RequestError } from '../runtime/request-error.ts';

/** A fixed-length name for an identity, so that neither a table nor a log holds an account or an address. */
const ownerNamed = (...identity: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(identity)).digest('base64url');

/** @param subject the value of the claim that names the caller, unique for the issuer */
export const ownerOfSubject = (issuer: string, subject: string): string => ownerNamed(issuer, subject);

/**
 * The caller that a verified token names.
 *
 * @param ownerClaim the claim that names the caller, `sub` by default
 * @throws RequestError `owner-unknown` without it
 */
export const callerOfToken = (
  issuer: string,
  ownerClaim: string,
  claims: Readonly<Record<string, unknown>>,
): KnownCaller => {
  const subject = claims[ownerClaim];
  // API Gateway passes every claim as a text, so a number counts as its text. Several large numbers are one
  // and the same in JavaScript, and would make several people one owner.
  if ((typeof subject === 'string' && subject !== '') || Number.isSafeInteger(subject)) {
    return { kind: 'known', owner: ownerOfSubject(issuer, String(subject)) };
  }
  throw new RequestError(
    'owner-unknown',
    `The token does not name its owner: its claim "${ownerClaim}" must be a text.`,
  );
};

const sessionArn = /^(arn:[\w-]+):sts::(\d+):assumed-role\/([^/]+)(?:\/.+)?$/;
const roleArn = /^(arn:[\w-]+):iam::(\d+):role\/(?:.*\/)?([^/]+)$/;

/**
 * The owner of an identity of a Cognito identity pool. All of them have sessions of one role of the pool, so
 * their ARNs do not tell people apart (Cognito Developer Guide, "IAM roles").
 */
export const ownerOfCognitoIdentity = (identityId: string): string => ownerNamed('cognito', identityId);

/**
 * The owner of a user, a role or a session of a role. All sessions of a role are one owner: who may assume a
 * role also chooses the name of the session (STS API Reference, AssumeRole), and ECS and EC2 choose another
 * one for each task and machine. A session's ARN lacks the path of its role, whose name is unique in the
 * account without it (IAM User Guide, "IAM identifiers").
 */
export const ownerOfArn = (arn: string): string => {
  const [, partition, account, role] = sessionArn.exec(arn) ?? roleArn.exec(arn) ?? [];
  return ownerNamed('iam', role === undefined ? arn : `${partition}:iam::${account}:role/${role}`);
};
