/** Reasons for which a request is refused. They are part of the API: a code never changes its meaning. */
export type RequestErrorCode =
  | 'invalid-request'
  | 'unauthorized'
  | 'unknown-host'
  | 'foreign-origin'
  | 'empty-body'
  | 'body-too-large'
  | 'not-found'
  | 'image-deleted'
  | 'deletion-in-progress'
  | 'unknown-variant'
  | 'method-not-allowed'
  | 'upload-too-slow'
  | 'overloaded'
  | 'daily-budget-exhausted'
  | 'issuer-unavailable'
  | 'internal-error';

export interface RequestErrorOptions extends ErrorOptions {
  /** The part of the request that is wrong. @default - no single part */
  readonly field?: string;
  /** When the same request may succeed. @default - a second later, if the status is one to retry */
  readonly retryAfterSeconds?: number;
}

/**
 * A request that cannot be answered as asked. Nothing of it is stored with an image.
 *
 * An extension that adds codes of its own names them as `Code`.
 */
export class RequestError<Code extends string = RequestErrorCode> extends Error {
  override readonly name = 'RequestError';
  readonly code: Code;
  readonly field: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  /** @param detail one sentence for a person: what was found, and what would be accepted */
  constructor(
    code: NoInfer<Code>,
    detail: string,
    { field, retryAfterSeconds, ...options }: RequestErrorOptions = {},
  ) {
    super(detail, options);
    this.code = code;
    this.field = field;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
