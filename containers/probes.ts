import type { Log } from '../lambdas/runtime/log.ts';

export interface ProbesProps {
  /** What the service cannot work without: each asks for something, and throws when there is no answer. */
  readonly dependencies: Readonly<Record<string, () => Promise<unknown>>>;
  /** Once aborted, the service is not ready any more. */
  readonly stopping: AbortSignal;
  readonly log: Log;
}

/** Answers what a load balancer asks; undefined for any other request. */
export type Probes = (request: Request) => Promise<Response> | undefined;

/** A dependency that is slower is as good as none. */
const checkMilliseconds = 2000;

/** However often anybody asks, the dependencies are asked no more often. */
const cacheMilliseconds = 5000;

const answer = (status: 200 | 503, body: object): Response =>
  Response.json(body, { status, headers: { 'Cache-Control': 'no-store' } });

/**
 * `/health`: the process answers. `/ready`: it also reaches what it depends on, or the reply names what it does not
 * reach, and it is not about to stop. Neither is part of the API: they have no stage before them and no description.
 */
export const createProbes = ({ dependencies, stopping, log }: ProbesProps): Probes => {
  let latest: { readonly failed: Promise<readonly string[]>; readonly until: number } | undefined;

  const check = async (): Promise<readonly string[]> => {
    const outcomes = await Promise.all(
      Object.entries(dependencies).map(async ([dependency, ask]) => {
        try {
          await within(checkMilliseconds, ask);
          return [];
        } catch (error) {
          log.warn('dependency out of reach', { dependency, error });
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

/** @throws Error when there is no answer in time; what comes of it then is of no interest */
const within = async (milliseconds: number, ask: () => Promise<unknown>): Promise<void> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`No answer in ${milliseconds} ms.`)), milliseconds);
  try {
    await Promise.race([ask(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
};
