import type { Context, Handler } from 'hono';
import type { Failure } from '../image/record.ts';
import type { Ingest } from './ingest.ts';
import { prefers } from './negotiation.ts';
import { page, pageHeaders } from './page.ts';
import { problemOf } from './problem.ts';
import { retryAfterSeconds, sendProblem } from './problem-reply.ts';
import type { Replies } from './reply.ts';
import { requireId } from './validation.ts';

export interface ImageHandlersProps {
  readonly ingest: Ingest;
  readonly replies: Replies;
  /** Where the caller reaches the API: with the stage, without a trailing slash. */
  readonly apiUrl: (c: Context) => string;
}

/** A redirect is cached for less time than its URL works. */
const redirectMarginSeconds = 60;

export const createImageHandlers = ({ ingest, replies, apiUrl }: ImageHandlersProps) => {
  const image: Handler = async (c) => {
    const record = await ingest.find(requireId(c.req.param('id')));
    c.header('Cache-Control', 'no-store');
    return c.json(await replies.imageReply(record, apiUrl(c)));
  };

  const link: Handler = async (c) => {
    const id = requireId(c.req.param('id'));
    const record = await ingest.find(id);
    const method = c.req.method === 'HEAD' ? 'HEAD' : 'GET';
    const { url, expiresAt, variant } = await replies.thumbnailUrl(record, c.req.param('variant'), method);
    if (record.error) return sendFailure(c, record.error);
    if (record.status === 'received') return sendPending(c, await replies.imageReply(record, apiUrl(c)));
    // A HEAD shows no thumbnail.
    if (method === 'GET') await ingest.publishServed(id, variant);
    const secondsLeft = Math.floor((expiresAt.getTime() - Date.now()) / 1000);
    c.header('Cache-Control', `private, max-age=${Math.max(0, secondsLeft - redirectMarginSeconds)}`);
    return c.redirect(url, 302);
  };

  return { image, link };
};

/** The image failed, but the request was right: always 422, whatever status the code has elsewhere. */
const sendFailure = (c: Context, failure: Failure): Response | Promise<Response> => {
  c.header('Cache-Control', 'no-store');
  const problem = { ...problemOf(failure), status: 422 } as const;
  if (prefers(c, 'text/html')) return c.html(page(problem.title, problem.detail), 422, pageHeaders);
  return sendProblem(c, problem);
};

/** The thumbnail is not ready: programs retry, and the page reloads itself. */
const sendPending = (c: Context, reply: object): Response | Promise<Response> => {
  c.header('Cache-Control', 'no-store');
  c.header('Retry-After', String(retryAfterSeconds));
  if (!prefers(c, 'text/html')) return c.json(reply, 202);
  const text = 'This page shows the thumbnail as soon as it is ready.';
  return c.html(page('Creating the thumbnail', text, retryAfterSeconds), 202, pageHeaders);
};
