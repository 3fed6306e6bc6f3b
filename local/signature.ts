import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Credentials } from './data-folder.ts';

/** AWS refuses a request that is older or newer ("Elements of an AWS API request signature", IAM User Guide). */
const maxSkewMilliseconds = 5 * 60 * 1000;

const authorizationPattern =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;

/** Without these a signature would hold for other servers, times and bodies. */
const requiredHeaders = ['host', 'x-amz-date', 'x-amz-content-sha256'];

/**
 * Whether a request was signed with this secret, as AWS checks it (IAM User Guide, "Create a signed AWS API request"). Only
 * the head is checked, not whether the body is the one that was signed: what is to be known is who sends it.
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
  if (!(Math.abs(Date.now() - timeOf(time)) <= maxSkewMilliseconds)) return false;

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
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  const hash = createHash('sha256').update(canonicalRequest).digest('hex');
  const expected = hmac(key, ['AWS4-HMAC-SHA256', time, scope.join('/'), hash].join('\n'));
  return timingSafeEqual(expected, Buffer.from(signature, 'hex'));
};

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** 20261128T192125Z, as a number; not a number if it is none. */
const timeOf = (text: string): number =>
  Date.parse(text.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z'));

const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
