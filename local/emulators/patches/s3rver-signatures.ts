/**
 * Patches: the built-in account and the middleware of s3rver.
 * Why: s3rver has one account with a published key and no option for another. It serves requests without a
 * signature, and obeys headers that a presigned URL does not sign: with one of them an upload would copy any
 * other object.
 * Restores: a private bucket. Every request needs a signature, and the signature covers all `x-amz-` headers.
 * Upstream issue: https://github.com/jamhall/s3rver/issues/735 (public by design).
 */
import type S3rver from '@20minutes/s3rver';
import type { Middleware } from '@20minutes/s3rver';
import AWSAccount from '@20minutes/s3rver/lib/models/account.js';
import type { Credentials } from '../../data-folder.ts';

/** Accepts this key instead of the published one. */
export const replaceAccessKey = ({ accessKeyId, secretAccessKey }: Credentials): void => {
  const { DUMMY_ACCOUNT } = AWSAccount;
  for (const key of [...DUMMY_ACCOUNT.accessKeys.keys()]) DUMMY_ACCOUNT.revokeAccessKey(key);
  DUMMY_ACCOUNT.createKeyPair(accessKeyId, secretAccessKey);
};

export const requireSignatures = (s3: S3rver): void => {
  s3.middleware.unshift(refuseUnsigned);
};

const refuseUnsigned: Middleware = async (context, next) => {
  const { method, headers, query } = context;
  const signedHeaders = String(query['X-Amz-SignedHeaders'] ?? '').split(';');
  const isSigned = (name: string): boolean => !name.startsWith('x-amz-') || signedHeaders.includes(name);
  // A browser asks before it sends the signed request.
  if (method === 'OPTIONS') return next();
  if ('authorization' in headers) return next();
  if ('X-Amz-Algorithm' in query && Object.keys(headers).every(isSigned)) return next();
  context.status = 403;
  context.type = 'application/xml';
  context.body = '<Error><Code>AccessDenied</Code><Message>The request is not signed.</Message></Error>';
};
