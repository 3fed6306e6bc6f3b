/**
 * Every reason for which an image or a request is refused. The codes are part of the API: they never change their
 * meaning, so that callers can act on them.
 */
export const errorCodes = [
  'invalid-request',
  'unauthorized',
  'invalid-address',
  'recipient-not-allowed',
  'email-disabled',
  'empty-body',
  'body-too-large',
  'unsupported-type',
  'image-too-large',
  'image-corrupt',
  'decode-timeout',
  'decode-memory',
  'checksum-mismatch',
  'processing-failed',
  'original-missing',
  'not-found',
  'unknown-variant',
  'method-not-allowed',
  'upload-too-slow',
  'overloaded',
  'issuer-unavailable',
  'internal-error',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/**
 * A permanent failure: the image's or the caller's fault, the same however often it is tried. It is reported with its
 * code and never retried. Every other error counts as transient, so that the queue delivers the message again.
 */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ErrorCode;
  /** The part of the request that is wrong, if it is one part. */
  readonly field: string | undefined;

  /** @param detail one sentence for a person: what was found, and what would be accepted */
  constructor(
    code: ErrorCode,
    detail: string,
    { field, ...options }: ErrorOptions & { readonly field?: string } = {},
  ) {
    super(detail, options);
    this.code = code;
    this.field = field;
  }

  /** What is told and kept of it. */
  get failure(): { readonly code: ErrorCode; readonly detail: string } {
    return { code: this.code, detail: this.message };
  }
}
