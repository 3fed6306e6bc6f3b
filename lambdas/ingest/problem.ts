import type { ContentfulStatusCode } from 'hono/utils/http-status';
import * as z from 'zod';
import { type ErrorCode, errorCodes } from '../image/errors.ts';
import type { Failure } from '../image/record.ts';

/** What each code means, and the HTTP status it is told with. */
export const problemKinds = {
  'invalid-request': { status: 400, title: 'The request is malformed' },
  unauthorized: { status: 401, title: 'Not allowed without a valid token' },
  'unknown-host': { status: 421, title: 'The request was meant for another server' },
  'foreign-origin': { status: 403, title: 'Not allowed from the page of another site' },
  'invalid-address': { status: 400, title: 'Not an e-mail address' },
  'recipient-not-allowed': { status: 403, title: 'Mail to this address is not allowed' },
  'email-disabled': { status: 400, title: 'This service sends no mail' },
  'mail-needs-bytes': { status: 409, title: 'A mail needs the image itself' },
  'empty-body': { status: 400, title: 'Nothing was sent' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-type': { status: 415, title: 'Not an accepted image type' },
  'image-too-large': { status: 422, title: 'The image is too large' },
  'image-corrupt': { status: 422, title: 'The image is damaged' },
  'decode-timeout': { status: 422, title: 'The image takes too long to decode' },
  'decode-memory': { status: 422, title: 'The image takes too much memory to decode' },
  'checksum-mismatch': { status: 422, title: 'The stored bytes are not those that were announced' },
  'processing-failed': { status: 422, title: 'The image could not be processed' },
  'original-missing': { status: 404, title: 'The original is gone' },
  'not-found': { status: 404, title: 'No such resource' },
  'unknown-variant': { status: 404, title: 'No such variant' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'upload-too-slow': { status: 408, title: 'The upload is too slow' },
  overloaded: { status: 503, title: 'Too many uploads at once' },
  'daily-budget-exhausted': { status: 429, title: 'Enough was uploaded for today' },
  'too-many-recipients': { status: 429, title: 'Enough people get a mail about this image today' },
  'issuer-unavailable': { status: 503, title: 'Tokens cannot be checked now' },
  'internal-error': { status: 500, title: 'Something failed on our side' },
} as const satisfies Record<ErrorCode, { readonly status: ContentfulStatusCode; readonly title: string }>;

/** An error as RFC 9457 tells it, with the stable `code` that programs act on. */
export const problemSchema = z.object({
  title: z.string(),
  status: z.int().describe('The HTTP status'),
  code: z.enum(errorCodes).describe('Stable: act on this'),
  detail: z.string().describe('What was found, and what would be accepted'),
  field: z.string().optional().describe('The part of the request that is wrong'),
});

export type Problem = Omit<z.output<typeof problemSchema>, 'status'> & {
  readonly status: ContentfulStatusCode;
};

export const problemOf = ({ code, detail }: Failure, field?: string): Problem => ({
  ...problemKinds[code],
  code,
  detail,
  field,
});
