import type { ContentfulStatusCode } from 'hono/utils/http-status';
import * as z from 'zod';
import type { ImageErrorCode } from '../image/errors.ts';
import { mailProblems } from '../notify/problems.ts';
import type { RequestErrorCode } from '../runtime/request-error.ts';

export interface ProblemKind {
  readonly status: ContentfulStatusCode;
  readonly title: string;
}

const requestProblems = {
  'invalid-request': { status: 400, title: 'The request is malformed' },
  unauthorized: { status: 401, title: 'A valid token is required' },
  'unknown-host': { status: 421, title: 'The request was meant for another server' },
  'foreign-origin': { status: 403, title: 'Requests from pages of other sites are not allowed' },
  'empty-body': { status: 400, title: 'The body is empty' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'not-found': { status: 404, title: 'No such resource' },
  'image-deleted': { status: 410, title: 'The image was deleted' },
  'deletion-in-progress': { status: 503, title: 'The image is being deleted' },
  'unknown-variant': { status: 404, title: 'No such variant' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'upload-too-slow': { status: 408, title: 'The upload is too slow' },
  overloaded: { status: 503, title: 'The server is at capacity' },
  'daily-budget-exhausted': { status: 429, title: 'The daily upload budget is used up' },
  'issuer-unavailable': { status: 503, title: 'Tokens cannot be verified at the moment' },
  'internal-error': { status: 500, title: 'Internal error' },
} as const satisfies Readonly<Record<RequestErrorCode, ProblemKind>>;

const imageProblems = {
  'unsupported-type': { status: 415, title: 'Not an accepted image type' },
  'image-too-large': { status: 422, title: 'The image is too large' },
  'image-corrupt': { status: 422, title: 'The image is damaged' },
  'decode-timeout': { status: 422, title: 'The image takes too long to decode' },
  'decode-memory': { status: 422, title: 'The image takes too much memory to decode' },
  'checksum-mismatch': { status: 422, title: 'The stored bytes do not match the announced hash' },
  'processing-failed': { status: 422, title: 'The image could not be processed' },
  'original-missing': { status: 404, title: 'The original no longer exists' },
} as const satisfies Readonly<Record<ImageErrorCode, ProblemKind>>;

/** The HTTP status and the title of each code. An extension adds its codes here. */
export const problemKinds = {
  ...requestProblems,
  ...imageProblems,
  ...mailProblems,
} as const satisfies Readonly<Record<string, ProblemKind>>;

export type ErrorCode = keyof typeof problemKinds;

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(problemKinds, code);

export const errorCodes: readonly ErrorCode[] = Object.keys(problemKinds).filter(isErrorCode);

/** An error in the form of RFC 9457, with a stable `code`. */
export const problemSchema = z.object({
  title: z.string(),
  status: z.int().describe('The HTTP status'),
  code: z.enum(errorCodes).describe('Stable: programs act on this'),
  detail: z.string().describe('What was found, and what would be accepted'),
  field: z.string().optional().describe('The part of the request that is wrong'),
});

export type Problem = Omit<z.output<typeof problemSchema>, 'status'> & Pick<ProblemKind, 'status'>;

/** What a problem is made of: a failure of an image, or an error about a request. */
export interface ProblemCause {
  readonly code: string;
  readonly detail: string;
  readonly field?: string | undefined;
}

/** @throws Error for a code without a kind, which no caller must see as something else */
export const problemOf = ({ code, detail, field }: ProblemCause): Problem => {
  if (!isErrorCode(code)) throw new Error(`The code ${code} has no status and no title.`);
  return { ...problemKinds[code], code, detail, field };
};
