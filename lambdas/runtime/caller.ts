/** Who sends a request. */
export type Caller = AnonymousCaller | KnownCaller;

/** Everyone, where `auth` is `none`, and a visitor of a public link. */
export interface AnonymousCaller {
  readonly kind: 'anonymous';
}

export interface KnownCaller {
  readonly kind: 'known';
  /** The same for each request of one person or program. It does not reveal who that is. */
  readonly owner: string;
}

/**
 * Finds out who sends a request.
 *
 * @throws RequestError `unauthorized`, `owner-unknown`, `issuer-unavailable`
 */
export type Authenticate = (request: Request) => Promise<KnownCaller>;
