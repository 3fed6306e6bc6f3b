import type { Context, Handler } from 'hono';
import type { Failure, ImageRecord } from '../image/record.ts';
import type { Variant } from '../image/variant.ts';
import type { Ingest } from './ingest.ts';
import { prefers, sendJson } from './negotiation.ts';
import { page, pageHeaders } from './page.ts';
import { sendPicture, wantsPicture } from './picture.ts';
import { problemOf } from './problem.ts';
import { retryAfterSeconds, sendProblem } from './problem-reply.ts';
import type { Replies } from './reply.ts';
import { requireId } from './validation.ts';

export interface ImageHandlersProps {
  readonly ingest: Ingest;
  readonly replies: Replies;
  /** Where the caller reaches the API: with the stage, without a trailing slash. */
  readonly apiUrl: (c: Context) => string;
  /** Whether a link tells that its image was deleted. */
  readonly tellsDeletions: boolean;
}

/** A redirect is cached for less time than its URL works. */
const redirectMarginSeconds = 60;

/** How long an `<img>` waits for a thumbnail. Most are ready after a second. */
const pictureWaitSeconds = 5;

export const createImageHandlers = ({ ingest, replies, apiUrl, tellsDeletions }: ImageHandlersProps) => {
  const image: Handler = async (c) => {
    const record = await ingest.find(requireId(c.req.param('id')));
    c.header('Cache-Control', 'no-store');
    return sendJson(c, await replies.imageReply(record, apiUrl(c)));
  };

  const link: Handler = async (c) => {
    const id = requireId(c.req.param('id'));
    const method = c.req.method === 'HEAD' ? 'HEAD' : 'GET';
    const isPicture = wantsPicture(c);
    const found = await (tellsDeletions ? ingest.findUndeleted(id) : ingest.find(id));
    const { url, expiresAt, variant } = await replies.thumbnailUrl(found, c.req.param('variant'), method);
    // An `<img>` does not retry, so it waits.
    const canWait = isPicture && method === 'GET';
    const { record } = canWait ? await ingest.settled(found, pictureWaitSeconds) : { record: found };
    if (record.error) return sendFailure(c, record.error);
    if (record.status === 'received') {
      if (!isPicture) return sendPending(c, record, await replies.imageReply(record, apiUrl(c)));
      return sendPicture(c, 202, {
        ...pictureSizeOf(record, variant),
        ...pendingPicture,
        thumbhash: record.thumbhash,
      });
    }
    // A HEAD shows no thumbnail.
    if (method === 'GET') await ingest.publishServed(id, variant.name);
    const secondsLeft = Math.floor((expiresAt.getTime() - Date.now()) / 1000);
    c.header('Cache-Control', `private, max-age=${Math.max(0, secondsLeft - redirectMarginSeconds)}`);
    return c.redirect(url, 302);
  };

  return { image, link };
};

/** The image failed, but the request was right: always 422, whatever status the code has elsewhere. */
const sendFailure = (c: Context, failure: Failure): Response | Promise<Response> => {
  c.header('Cache-Control', 'no-store');
  return sendProblem(c, { ...problemOf(failure), status: 422 });
};

/** The thumbnail is not ready: programs retry, and the page reloads itself. */
const sendPending = (c: Context, record: ImageRecord, reply: object): Response | Promise<Response> => {
  c.header('Cache-Control', 'no-store');
  c.header('Retry-After', String(retryAfterSeconds));
  if (!prefers(c, 'text/html')) return sendJson(c, reply, 202);
  const { title, text } = record.announced ? announcedPage : processingPage;
  return c.html(page(title, text, reloadSecondsOf(record)), 202, pageHeaders);
};

const processingPage = {
  title: 'Creating the thumbnail',
  text: 'This page shows the thumbnail as soon as it is ready.',
};
const announcedPage = {
  title: 'Waiting for the upload',
  text: 'The image was announced, and its bytes have not arrived. This page shows the thumbnail once they have.',
};
const pendingPicture = { title: 'The thumbnail is not ready', kind: 'pending' } as const;

/** The longer an image waits, the less often its page reloads: from each second to each minute. */
const reloadSecondsOf = ({ changedAt }: ImageRecord): number => {
  const waitedSeconds = (Date.now() - Date.parse(changedAt)) / 1000;
  return Math.min(60, Math.max(retryAfterSeconds, Math.round(waitedSeconds / 10)));
};

/** The size that the thumbnail will have, as far as it is known. */
const pictureSizeOf = ({ original }: ImageRecord, { width, height, fit }: Variant) => {
  if (fit !== 'inside' || original.width === undefined || original.height === undefined)
    return { width, height };
  const scale = Math.min(1, width / original.width, height / original.height);
  return {
    width: Math.max(1, Math.round(original.width * scale)),
    height: Math.max(1, Math.round(original.height * scale)),
  };
};
