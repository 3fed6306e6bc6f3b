import type { Log } from '../lambdas/runtime/log.ts';

export interface ProbesProps {
  /** Functions that call what the process needs, and throw when it does not respond. */
  readonly dependencies: Readonly<Record<string, () => Promise<unknown>>>;
  /** Once aborted, the process is not ready any more. */
  readonly stopping: AbortSignal;
  readonly log: Log;
}

/** Answers the probes of a load balancer; undefined for any other request. */
export type Probes = (request: Request) => Promise<Response> | undefined;

/** A slower dependency counts as unreachable. */
const checkMilliseconds = 2000;

/** Limits how often the dependencies are called, however often the probes are. */
const cacheMilliseconds = 5000;

const answer = (status: 200 | 503, body: object): Response =>
  Response.json(body, { status, headers: { 'Cache-Control': 'no-store' } });

/**
 * `/health`: the process responds. `/ready`: it also reaches its dependencies and is not stopping; otherwise
 * the reply names those that it does not reach. Both are outside of the API, its stage and its description.
 */
export const createProbes = ({ dependencies, stopping, log }: ProbesProps): Probes => {
  let latest: { readonly failed: Promise<readonly string[]>; readonly until: number } | undefined;

  const check = async (): Promise<readonly string[]> => {
    const outcomes = await Promise.all(
      Object.entries(dependencies).map(async ([dependency, call]) => {
        try {
          await within(checkMilliseconds, call);
          return [];
        } catch (error) {
          log.warn('dependency unreachable', { dependency, error });
          return [dependency];
        }
      }),
    );
    return outcomes.flat();
  };

  const failedDependencies = (): Promise<readonly string[]> => {
    const now = Date.now();
    if (latest === undefined || now >= latest.until) {
      latest = { failed: check(), until: now + cacheMilliseconds };
    }
    return latest.failed;
  };

  const ready = async (): Promise<Response> => {
    const failed = stopping.aborted ? [] : await failedDependencies();
    if (stopping.aborted) return answer(503, { ready: false, reason: 'stopping' });
    return failed.length === 0 ? answer(200, { ready: true }) : answer(503, { ready: false, failed });
  };

  return ({ method, url }) => {
    if (method !== 'GET' && method !== 'HEAD') return undefined;
    const { pathname } = new URL(url);
    if (pathname === '/health') return Promise.resolve(answer(200, { healthy: true }));
    return pathname === '/ready' ? ready() : undefined;
  };
};

/** @throws Error when there is no response in time; a later response is ignored */
const within = async (milliseconds: number, call: () => Promise<unknown>): Promise<void> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`No response within ${milliseconds} ms.`)),
    milliseconds,
  );
  try {
    await Promise.race([call(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
};
