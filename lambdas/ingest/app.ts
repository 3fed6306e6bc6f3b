import { type Context, Hono } from 'hono';
import { accepts } from 'hono/accepts';
import { getPath } from 'hono/utils/url';
import { ImageError } from '../image/errors.ts';
import type { Log } from '../log.ts';
import type { Ingest } from './ingest.ts';
import { problemOf } from './problem.ts';

export interface IngestAppProps {
  readonly ingest: Ingest;
  /** The largest body that is taken, in bytes. */
  readonly maxInlineBytes: number;
  /** The path segment that API Gateway puts before every route. */
  readonly stage: string;
  readonly log: Log;
}

/**
 * The API as one `Request -> Response` function: the same behind Lambda, in a container and in tests. It answers with
 * and without the stage before the path: API Gateway keeps it there, not every server in front of it does.
 */
export const createIngestApp = ({ ingest, maxInlineBytes, stage, log }: IngestAppProps): Hono => {
  const base = `/${stage}`;
  const app = new Hono({
    getPath: (request) => {
      const path = getPath(request);
      return path.startsWith(`${base}/`) ? path.slice(base.length) : path;
    },
  });

  app.post('/upload_image', async (c) => {
    const { reply, original } = await ingest(await readBody(c.req.raw, maxInlineBytes));
    log.info('upload accepted', { imageId: reply.id, original, ...reply.original });
    if (prefersText(c)) return c.text(`${reply.url}\n`, 202);
    return c.json(reply, 202);
  });
  app.all('/upload_image', (c) => {
    c.header('Allow', 'POST');
    throw new ImageError('method-not-allowed', `${c.req.method} is not possible here: POST the image.`);
  });

  app.notFound((c) =>
    refuse(c, new ImageError('not-found', 'There is nothing here: POST an image to /upload_image.')),
  );

  app.onError((error, c) => {
    if (error instanceof ImageError) {
      log.info('request refused', { code: error.code, detail: error.message });
      return refuse(c, error);
    }
    log.error('request failed', { error });
    return refuse(c, new ImageError('internal-error', 'Please try again in a moment.'));
  });

  return app;
};

const refuse = (c: Context, error: ImageError): Response => {
  const problem = problemOf(error);
  return c.body(JSON.stringify(problem), problem.status, { 'Content-Type': 'application/problem+json' });
};

const prefersText = (c: Context): boolean =>
  accepts(c, {
    header: 'Accept',
    supports: ['application/json', 'text/plain'],
    default: 'application/json',
  }) === 'text/plain';

/** The body's bytes exactly as sent. No more than the limit is ever held, even if the sender names no length. */
const readBody = async (request: Request, maxBytes: number): Promise<Uint8Array> => {
  const tooLarge = () =>
    new ImageError(
      'body-too-large',
      `The body is larger than ${maxBytes} bytes, the most that one request may carry.`,
    );
  if (Number(request.headers.get('Content-Length')) > maxBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks);
};
