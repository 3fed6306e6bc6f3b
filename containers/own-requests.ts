import { RequestError, type RequestErrorCode } from '../lambdas/runtime/request-error.ts';

/** Which requests a server answers that only its own machine may use. */
export interface OwnRequestRules {
  /** Allowed values of `Host`, each with its port, in lower case. */
  readonly hosts: readonly string[];
  /** Pages that may send requests, such as `http://localhost:3000`. */
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
  readonly code: RequestErrorCode & ('unknown-host' | 'foreign-origin');
  readonly detail: string;
}

const readOnlyMethods: readonly string[] = ['GET', 'HEAD'];

/**
 * Why a request is foreign, if it is. A browser sends requests to this machine for any page that is open in
 * it: with the page's own name in `Host` if that name resolves to this machine (DNS rebinding), and otherwise
 * with the page in `Origin`. A browser sets `Origin` on each request that can change something, to `null`
 * where it hides the page.
 */
export const foreignRequest = (
  { method, host, origin, fetchSite }: RequestOrigin,
  { hosts, origins }: OwnRequestRules,
): ForeignRequest | undefined => {
  if (host === undefined || !hosts.includes(host.toLowerCase())) {
    return { code: 'unknown-host', detail: `This server only answers requests to ${hosts.join(' or ')}.` };
  }
  const isForeign =
    origin === undefined
      ? fetchSite === 'cross-site' && !readOnlyMethods.includes(method)
      : !(origins.includes(origin) || origins.includes('*'));
  if (!isForeign) return undefined;
  return { code: 'foreign-origin', detail: 'This server accepts no requests from pages of other sites.' };
};

/**
 * Checks that a request comes from this machine.
 *
 * @param pages origins of other pages that may send requests; `*` for all
 * @throws RequestError `unknown-host`, `foreign-origin`
 */
export const createOwnRequestCheck = (
  hosts: readonly string[],
  pages: readonly string[],
): ((request: Request) => void) => {
  const rules = { hosts, origins: [...hosts.map((host) => `http://${host}`), ...pages] };
  return ({ method, url, headers }) => {
    const foreign = foreignRequest(
      {
        method,
        host: new URL(url).host,
        origin: headers.get('Origin') ?? undefined,
        fetchSite: headers.get('Sec-Fetch-Site') ?? undefined,
      },
      rules,
    );
    if (foreign !== undefined) throw new RequestError(foreign.code, foreign.detail);
  };
};
