/**
 * Reasons for which an image has no thumbnails. They are part of the API and of the events: a code never
 * changes its meaning, so that callers can act on it.
 */
export const imageErrorCodes = [
  'unsupported-type',
  'image-too-large',
  'image-corrupt',
  'decode-timeout',
  'decode-memory',
  'checksum-mismatch',
  'processing-failed',
  'original-missing',
] as const;

export type ImageErrorCode = (typeof imageErrorCodes)[number];

/**
 * A permanent failure that the image's bytes cause. It is stored with the record and never retried. Every
 * other error of a worker counts as transient, so that the queue delivers the message again.
 */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ImageErrorCode;

  /** @param detail one sentence for a person: what was found, and what would be accepted */
  constructor(code: ImageErrorCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }

  /** The part that is stored and returned to callers. */
  get failure(): { readonly code: ImageErrorCode; readonly detail: string } {
    return { code: this.code, detail: this.message };
  }
}
