import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ErrorCode, ImageError } from '../image/errors.ts';

const kinds = {
  'empty-body': { status: 400, title: 'Nothing was sent' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-type': { status: 415, title: 'Not an accepted image type' },
  'image-too-large': { status: 422, title: 'The image has too many pixels' },
  'image-corrupt': { status: 422, title: 'The image is damaged' },
  'decode-timeout': { status: 422, title: 'The image takes too long to decode' },
  'original-missing': { status: 404, title: 'The original is gone' },
  'not-found': { status: 404, title: 'No such resource' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'internal-error': { status: 500, title: 'Something failed on our side' },
} as const satisfies Record<ErrorCode, { readonly status: ContentfulStatusCode; readonly title: string }>;

/** An error as RFC 9457 tells it, with the stable `code` that programs act on. */
export interface Problem {
  readonly title: string;
  readonly status: ContentfulStatusCode;
  readonly code: ErrorCode;
  readonly detail: string;
}

export const problemOf = ({ code, message }: ImageError): Problem => ({
  ...kinds[code],
  code,
  detail: message,
});
