/**
 * Every reason for which an image or a request is refused. The codes are part of the API: they never change their
 * meaning, so that callers can act on them.
 */
export const errorCodes = [
  'invalid-request',
  'unauthorized',
  'unknown-host',
  'foreign-origin',
  'invalid-address',
  'recipient-not-allowed',
  'email-disabled',
  'mail-needs-bytes',
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
  'daily-budget-exhausted',
  'too-many-recipients',
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
  /** When the same request may succeed, if that is known. */
  readonly retryAfterSeconds: number | undefined;

  /** @param detail one sentence for a person: what was found, and what would be accepted */
  constructor(
    code: ErrorCode,
    detail: string,
    {
      field,
      retryAfterSeconds,
      ...options
    }: ErrorOptions & { readonly field?: string; readonly retryAfterSeconds?: number } = {},
  ) {
    super(detail, options);
    this.code = code;
    this.field = field;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** What is told and kept of it. */
  get failure(): { readonly code: ErrorCode; readonly detail: string } {
    return { code: this.code, detail: this.message };
  }
}
