import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Credentials } from '../data-folder.ts';

const authorizationPattern =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;

/** The SDK signs at least these. Presigned URLs, which anyone may hold, sign fewer and are refused. */
const requiredHeaders = ['host', 'x-amz-date', 'x-amz-content-sha256'];

/**
 * Whether a request was signed with this secret (IAM User Guide, "Create a signed AWS API request"). It only
 * identifies the sender: the body is not hashed and the time is not checked, because a process that can
 * record requests on this machine, to replay them, can read the secret as well.
 */
export const isSignedWith = (
  request: IncomingMessage,
  { accessKeyId, secretAccessKey }: Credentials,
): boolean => {
  const { method = '', url = '', headers } = request;
  const [, id, day = '', region = '', service = '', signed = '', signature = ''] =
    authorizationPattern.exec(headers.authorization ?? '') ?? [];
  const time = String(headers['x-amz-date']);
  const names = signed.split(';');
  if (id !== accessKeyId || !time.startsWith(day)) return false;
  if (!requiredHeaders.every((name) => names.includes(name))) return false;

  const [pathname = '', ...query] = url.split('?');
  const canonicalRequest = [
    method,
    pathname.split('/').map(encoded).join('/'),
    [...new URLSearchParams(query.join('?'))]
      .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${String(headers[name]).trim().replaceAll(/ +/g, ' ')}`),
    '',
    signed,
    String(headers['x-amz-content-sha256']),
  ].join('\n');
  const scope = [day, region, service, 'aws4_request'];
  const key = signingKey(secretAccessKey, scope);
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), hash('sha256', canonicalRequest)];
  const expected = hmac(key, toSign.join('\n'));
  return timingSafeEqual(expected, Buffer.from(signature, 'hex'));
};

/** By secret and scope. A key is valid for a service and a day, and slow to derive. */
const signingKeys = new Map<string, Buffer>();
const maxSigningKeys = 10;

const signingKey = (secretAccessKey: string, scope: readonly string[]): Buffer => {
  const name = [secretAccessKey, ...scope].join('/');
  const known = signingKeys.get(name);
  if (known !== undefined) return known;
  let key = Buffer.from(`AWS4${secretAccessKey}`);
  for (const text of scope) key = hmac(key, text);
  // The client chooses the scope, so the cache must be bounded.
  if (signingKeys.size >= maxSigningKeys) signingKeys.clear();
  signingKeys.set(name, key);
  return key;
};

const hmac = (key: Buffer, text: string): Buffer<ArrayBuffer> =>
  createHmac('sha256', key).update(text).digest();

const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
