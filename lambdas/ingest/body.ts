import { RequestError } from '../runtime/request-error.ts';

export interface BodyLimit {
  readonly maxBytes: number;
  /** The error's detail for a body that is larger: it has at least so many bytes. */
  readonly detailOf: (bytes: number) => string;
}

/**
 * Passes the body of a request to `use`, exactly as it was sent. A function has the body already, a server
 * reads it from the network.
 *
 * @throws RequestError `body-too-large`, and what may go wrong on the network
 */
export type WithBody = <Result>(
  request: Request,
  limit: BodyLimit,
  use: (body: Uint8Array) => Promise<Result>,
) => Promise<Result>;

/** @throws RequestError `body-too-large` */
export const requireWithin = ({ maxBytes, detailOf }: BodyLimit, bytes: number): void => {
  if (bytes > maxBytes) throw new RequestError('body-too-large', detailOf(bytes));
};
