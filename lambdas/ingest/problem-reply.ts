import type { Context } from 'hono';
import { ImageError } from '../image/errors.ts';
import type { Log } from '../runtime/log.ts';
import { RequestError } from '../runtime/request-error.ts';
import { prefers } from './negotiation.ts';
import { page, pageHeaders } from './page.ts';
import { sendPicture, wantsPicture } from './picture.ts';
import { type Problem, type ProblemCause, problemOf } from './problem.ts';

/** When to ask again for a thumbnail that is not ready, or for capacity. */
export const retryAfterSeconds = 1;

/** As JSON for programs, as a page for people, and as a picture for an `<img>`. */
export const sendProblem = (c: Context, problem: Problem): Response | Promise<Response> => {
  const { title, detail, status } = problem;
  if (wantsPicture(c)) return sendPicture(c, status, { ...problemSize, title, kind: 'failed' });
  if (prefers(c, 'text/html')) return c.html(page(title, detail), status, pageHeaders);
  return c.body(`${JSON.stringify(problem)}\n`, status, { 'Content-Type': 'application/problem+json' });
};

/** A page that shows it usually gives it another size. */
const problemSize = { width: 320, height: 240 };

/** Replies with a problem, and with the headers that its status calls for. */
export const refuse = (
  c: Context,
  cause: ProblemCause,
  retryAfter = retryAfterSeconds,
): Response | Promise<Response> => {
  const problem = problemOf(cause);
  if (problem.status === 401) c.header('WWW-Authenticate', 'Bearer');
  if (problem.status === 503 || problem.status === 429) c.header('Retry-After', String(retryAfter));
  // The image may be uploaded again, and browsers would keep this reply (RFC 9110, section 15.5.11).
  if (problem.status === 410) c.header('Cache-Control', 'no-store');
  return sendProblem(c, problem);
};

/**
 * Replies to a request that failed.
 *
 * @param isBusy whether an error only means that a dependency is too busy at the moment
 */
export const createErrorHandler =
  (isBusy: (error: unknown) => boolean, log: Log) =>
  (error: Error, c: Context): Response | Promise<Response> => {
    if (error instanceof ImageError) {
      log.info('request refused', { ...error.failure });
      return refuse(c, error.failure);
    }
    if (error instanceof RequestError) {
      const { code, message: detail, field }: RequestError<string> = error;
      log.info('request refused', { code, detail, field });
      return refuse(c, { code, detail, field }, error.retryAfterSeconds);
    }
    if (isBusy(error)) {
      log.warn('request refused, a dependency is busy', { error });
      return refuse(c, { code: 'overloaded', detail: 'The server is at capacity. Retry later.' });
    }
    log.error('request failed', { error });
    return refuse(c, { code: 'internal-error', detail: 'The request failed. Retry later.' });
  };
