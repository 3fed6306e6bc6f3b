import type { ErrorCode } from '../image/errors.ts';

/** Whose requests a server answers that serves one machine only. */
export interface OwnRequestRules {
  /** What `Host` may be, each with its port, in lower case. */
  readonly hosts: readonly string[];
  /** The pages that may send requests, such as `http://localhost:3000`. */
  readonly origins: readonly string[];
}

export interface RequestOrigin {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** The header `Sec-Fetch-Site`, which every browser sets and no page can change. */
  readonly fetchSite: string | undefined;
}

export interface ForeignRequest {
  readonly code: ErrorCode & ('unknown-host' | 'foreign-origin');
  readonly detail: string;
}

const readOnlyMethods: readonly string[] = ['GET', 'HEAD'];

/**
 * Why a request comes from elsewhere, if it does. A browser sends requests to this machine for any page that is open in it:
 * with the page's own name in `Host` when that name was made to lead here (DNS rebinding), and otherwise with the page in
 * `Origin`. A browser names the origin in each request that can change something, and `null` where it hides it.
 */
export const foreignRequest = (
  { method, host, origin, fetchSite }: RequestOrigin,
  { hosts, origins }: OwnRequestRules,
): ForeignRequest | undefined => {
  if (host === undefined || !hosts.includes(host.toLowerCase())) {
    return { code: 'unknown-host', detail: `This server answers only requests to ${hosts.join(' or ')}.` };
  }
  const isForeign =
    origin === undefined
      ? fetchSite === 'cross-site' && !readOnlyMethods.includes(method)
      : !origins.includes(origin);
  if (!isForeign) return undefined;
  return { code: 'foreign-origin', detail: 'This server takes no requests from the pages of other sites.' };
};
