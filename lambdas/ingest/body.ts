import { RequestError } from '../runtime/request-error.ts';

export interface BodyLimit {
  readonly maxBytes: number;
  /** The error's detail when the body is larger. */
  readonly detail: string;
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
export const requireWithin = ({ maxBytes, detail }: BodyLimit, bytes: number): void => {
  if (bytes > maxBytes) throw new RequestError('body-too-large', detail);
};
