/**
 * Every reason for which an image or a request is refused. The codes are part of the API: they never change their
 * meaning, so that callers can act on them.
 */
export type ErrorCode =
  | 'empty-body'
  | 'body-too-large'
  | 'unsupported-type'
  | 'image-too-large'
  | 'image-corrupt'
  | 'decode-timeout'
  | 'original-missing'
  | 'not-found'
  | 'method-not-allowed'
  | 'internal-error';

/**
 * A permanent failure: the image's or the caller's fault, the same however often it is tried. It is reported with its
 * code and never retried. Every other error counts as transient, so that the queue delivers the message again.
 */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ErrorCode;

  /** @param detail one sentence for a person: what was found, and what would be accepted */
  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }
}
