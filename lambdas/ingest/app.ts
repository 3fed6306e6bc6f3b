import { type Context, type Handler, Hono } from 'hono';
import { accepts } from 'hono/accepts';
import { getPath } from 'hono/utils/url';
import type * as z from 'zod';
import { ImageError } from '../image/errors.ts';
import { type ImageId, isImageId } from '../image/id.ts';
import type { Failure, ImageRecord } from '../image/record.ts';
import { type AllowedRecipients, notifyHeader, requireRecipient } from '../notify/mail-request.ts';
import { createGate } from '../runtime/gate.ts';
import type { Log } from '../runtime/log.ts';
import type { Auth, Links } from './auth.ts';
import type { Ingest } from './ingest.ts';
import { type BodyLimit, createIntake, requireWithin } from './intake.ts';
import type { Guard } from './jwt-guard.ts';
import { foreignRequest } from './own-requests.ts';
import { page, pageHeaders } from './page.ts';
import { type Problem, problemOf } from './problem.ts';
import type { Replies } from './reply.ts';
import { authOf, type Route, routes } from './routes.ts';
import { uploadRequestSchema } from './upload-request.ts';

export interface IngestAppProps {
  readonly ingest: Ingest;
  readonly replies: Replies;
  /** The largest body that is taken, in bytes. */
  readonly maxInlineBytes: number;
  /** The largest image that may be uploaded straight to S3, in bytes. */
  readonly maxUploadBytes: number;
  /** The path segment that API Gateway puts before every route. */
  readonly stage: string;
  /** What links begin with, with the stage and without a slash at the end. @default - follows from each request */
  readonly publicUrl?: string;
  /** What `Host` may be; requests from pages of other hosts are refused then, too. @default - any */
  readonly allowedHosts?: readonly string[];
  /** Who may do what, as the description tells it. */
  readonly auth: Auth;
  readonly links: Links;
  /** Who may be sent a mail. @default - nobody: mail is off */
  readonly allowedRecipients?: AllowedRecipients;
  /** Checks the callers of guarded routes. @default - whoever stands in front of this service did so */
  readonly guard?: Guard;
  /** Bytes of uploads that are held at once. @default - no limit: a gateway in front of this service sets one */
  readonly maxBytesInHand?: number;
  /** How many uploads are stored at once; the others wait in turn. */
  readonly maxUploadsAtOnce: number;
  /** Whether an error only says that what this service depends on is too busy just now. */
  readonly isBusy: (error: unknown) => boolean;
  readonly log: Log;
}

/** What may come with a request: its body, where that arrived as a whole. Otherwise it is read from the request. */
interface IngestBindings {
  readonly body?: Uint8Array;
}

export type IngestApp = Hono<{ Bindings: IngestBindings }>;

/** Without bindings Hono has no `env`, whatever its types say. */
type RequestContext = Context & { readonly env: IngestBindings | undefined };

/** The longest wait that a caller may prefer: API Gateway ends a request after 30 s. */
const maxWaitSeconds = 20;

/** When to ask again: for a thumbnail that is still being made, or for room. */
const retryAfterSeconds = 1;

/**
 * How long, and how many, uploads wait for their turn; callers of those beyond that are to try again. An upload of bytes
 * that another one is storing may keep its place for 3 s. With this wait before it, an upload ends within the 30 s that API
 * Gateway gives a request.
 */
const uploadWaitMilliseconds = 10_000;
const maxUploadsWaiting = 1000;

/** Taken off the time that a redirect may be cached, so that a cached one still leads to a URL that works. */
const redirectMarginSeconds = 60;

/**
 * The API as one `Request -> Response` function: the same behind Lambda, in a container and in tests. It answers with
 * and without the stage before the path: API Gateway keeps it there, not every server in front of it does.
 */
export const createIngestApp = (props: IngestAppProps): IngestApp => {
  const { ingest, replies, maxInlineBytes, maxUploadBytes, stage, auth, links, guard, log } = props;
  const intake = createIntake({ maxBytesInHand: props.maxBytesInHand });
  const uploads = createGate({
    what: 'Uploads',
    places: props.maxUploadsAtOnce,
    maxWaiting: maxUploadsWaiting,
    waitMilliseconds: uploadWaitMilliseconds,
  });
  const base = `/${stage}`;
  const apiUrl = (c: Context): string => props.publicUrl ?? new URL(c.req.url).origin + base;
  const app: IngestApp = new Hono({
    getPath: (request) => {
      const path = getPath(request);
      return path.startsWith(`${base}/`) ? path.slice(base.length) : path;
    },
  });

  app.use(async (c, next) => {
    // Whatever is answered, a browser must not take it for something else than its type says.
    c.header('X-Content-Type-Options', 'nosniff');
    await next();
  });
  if (props.allowedHosts !== undefined) {
    const hosts = props.allowedHosts;
    const rules = { hosts, origins: hosts.map((host) => `http://${host}`) };
    app.use(async (c, next) => {
      const foreign = foreignRequest(
        {
          method: c.req.method,
          // From which links would be made.
          host: new URL(c.req.url).host,
          origin: c.req.header('Origin'),
          fetchSite: c.req.header('Sec-Fetch-Site'),
        },
        rules,
      );
      if (foreign !== undefined) throw new ImageError(foreign.code, foreign.detail);
      await next();
    });
  }

  const on = (route: Route, handler: Handler): void => {
    const guarded: Handler = async (c, next) => {
      await guard?.(c.req.raw);
      return handler(c, next);
    };
    const isOpen = authOf(route, auth, links) === 'none';
    app.on(route.method, honoPath(route), isOpen ? handler : guarded);
  };

  const withBody = async <Result>(
    { env, req }: RequestContext,
    limit: BodyLimit,
    use: (body: Uint8Array) => Promise<Result>,
  ): Promise<Result> => {
    if (env?.body === undefined) return intake.withBody(req.raw, limit, use);
    requireWithin(limit, env.body.byteLength);
    return use(env.body);
  };

  /** Works on a limited number of uploads at once; the others wait in turn. */
  const inTurn = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const leave = await uploads.enter();
    try {
      return await work();
    } finally {
      leave();
    }
  };

  const takeIn = (c: RequestContext, recipient: string | undefined): Promise<ImageRecord> =>
    withBody(
      c,
      {
        maxBytes: maxInlineBytes,
        explain: () =>
          `One request carries at most ${maxInlineBytes} bytes. POST ${base}/uploads takes images of up to ${maxUploadBytes} bytes.`,
      },
      (body) => inTurn(() => ingest.upload(body, recipient)),
    );

  /** Who is to be told by mail, if anybody: judged before anything of the request is kept. */
  const recipientOf = (c: Context): string | undefined => {
    const given = [c.req.header(notifyHeader), ...queryValues(c, notifyHeader)];
    // An empty one names nobody: what stands in front of a function leaves it out.
    const [recipient, ...others] = new Set(given.filter((text) => text !== undefined && text !== ''));
    if (recipient === undefined) return undefined;
    if (props.allowedRecipients === undefined) {
      throw new ImageError('email-disabled', `This service sends no mail: leave out ${notifyHeader}.`, {
        field: notifyHeader,
      });
    }
    return requireRecipient([recipient, ...others].join(','), props.allowedRecipients);
  };

  on(routes.upload, async (c) => {
    const uploaded = await takeIn(c, recipientOf(c));
    log.info('upload accepted', { imageId: uploaded.id, status: uploaded.status, ...uploaded.original });
    const waitSeconds = preferredWaitSeconds(c.req.header('Prefer'));
    const { record, waited } = await ingest.settled(uploaded, waitSeconds ?? 0);
    // A preference may be ignored (RFC 7240): without a place to wait in, the reply comes at once and does
    // not claim it.
    if (waitSeconds !== undefined && waited) c.header('Preference-Applied', `wait=${waitSeconds}`);
    if (record.error) throw new ImageError(record.error.code, record.error.detail);

    const reply = await replies.imageReply(record, apiUrl(c));
    const status = record.status === 'ready' ? 200 : 202;
    if (prefers(c, 'text/plain')) return c.text(`${reply.url}\n`, status);
    return c.json(reply, status);
  });

  on(routes.announce, async (c) => {
    const recipient = recipientOf(c);
    const text = await withBody(
      c,
      { maxBytes: 10_000, explain: () => 'At most 10000 bytes describe an upload.' },
      async (body) => new TextDecoder().decode(body),
    );
    const { sha256, bytes } = checked(uploadRequestSchema, fromJson(text));
    if (bytes > maxUploadBytes) {
      throw new ImageError('body-too-large', `At most ${maxUploadBytes} bytes may be uploaded.`, {
        field: 'bytes',
      });
    }
    const { record, upload } = await inTurn(() => ingest.announce(sha256, bytes, recipient));
    log.info('upload announced', {
      imageId: record.id,
      status: record.status,
      bytes,
      presigned: upload !== undefined,
    });
    const reply = await replies.imageReply(record, apiUrl(c));
    return upload === undefined ? c.json(reply, 200) : c.json({ ...reply, upload }, 201);
  });

  on(routes.image, async (c) => {
    const record = await ingest.find(requireId(c));
    c.header('Cache-Control', 'no-store');
    return c.json(await replies.imageReply(record, apiUrl(c)));
  });

  const redirect = async (c: Context): Promise<Response> => {
    const id = requireId(c);
    const variantName = c.req.param('variant');
    const record = await ingest.find(id);
    const { url, expiresAt, variant } = await replies.thumbnailUrl(record, variantName);
    if (record.error) return refuseLink(c, record.error);
    if (record.status === 'received') return askAgain(c, await replies.imageReply(record, apiUrl(c)));
    // A HEAD shows nothing to anybody.
    if (c.req.method === 'GET') await ingest.noteServed(id, variant);
    const secondsLeft = Math.floor((expiresAt.getTime() - Date.now()) / 1000);
    c.header('Cache-Control', `private, max-age=${Math.max(0, secondsLeft - redirectMarginSeconds)}`);
    return c.redirect(url, 302);
  };
  on(routes.link, redirect);
  on(routes.variantLink, redirect);

  /** Made once: 50 KB of JSON take 3 ms, which anyone may ask for. */
  let description: { readonly apiUrl: string; readonly text: string } | undefined;
  on(routes.description, async (c) => {
    const url = apiUrl(c);
    if (description?.apiUrl !== url) {
      // Loaded here: few processes are ever asked for it.
      const { describeApi } = await import('./openapi.ts');
      const hasMail = props.allowedRecipients !== undefined;
      const described = describeApi({ apiUrl: url, maxInlineBytes, maxUploadBytes, auth, links, hasMail });
      description = { apiUrl: url, text: JSON.stringify(described) };
    }
    return c.body(description.text, 200, { 'Content-Type': 'application/json' });
  });

  for (const route of Object.values(routes)) {
    app.all(honoPath(route), (c) => {
      c.header('Allow', route.method);
      throw new ImageError('method-not-allowed', `${c.req.method} is not possible here, ${route.method} is.`);
    });
  }

  app.notFound((c) =>
    refuse(c, {
      code: 'not-found',
      detail: `There is nothing here. ${base}/openapi.json describes what there is.`,
    }),
  );

  app.onError((error, c) => {
    if (error instanceof ImageError) {
      log.info('request refused', { ...error.failure, field: error.field });
      return refuse(c, error.failure, error.field, error.retryAfterSeconds);
    }
    if (props.isBusy(error)) {
      log.warn('request refused, too busy', { error });
      return refuse(c, {
        code: 'overloaded',
        detail: 'Too much is under way. Please try again in a moment.',
      });
    }
    log.error('request failed', { error });
    return refuse(c, { code: 'internal-error', detail: 'Please try again in a moment.' });
  });

  return app;
};

/** `/images/{id}` is `/images/:id` to Hono. */
const honoPath = ({ path }: Route): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

const refuse = (c: Context, failure: Failure, field?: string, retryAfter?: number): Response => {
  const problem = problemOf(failure, field);
  if (problem.status === 401) c.header('WWW-Authenticate', 'Bearer');
  if (problem.status === 503 || problem.status === 429)
    c.header('Retry-After', String(retryAfter ?? retryAfterSeconds));
  return sendProblem(c, problem);
};

const sendPage = (c: Context, html: string, status: 202 | 422): Response => c.html(html, status, pageHeaders);

const sendProblem = (c: Context, problem: Problem): Response =>
  c.body(JSON.stringify(problem), problem.status, { 'Content-Type': 'application/problem+json' });

/** Answers a link whose image failed: with the reason, for a program or for a person. */
const refuseLink = (c: Context, failure: Failure): Response => {
  c.header('Cache-Control', 'no-store');
  // Whatever is wrong with the image, this request was right.
  const problem = { ...problemOf(failure), status: 422 } as const;
  if (prefers(c, 'text/html')) return sendPage(c, page(problem.title, problem.detail), 422);
  return sendProblem(c, problem);
};

/** Answers a link whose thumbnail is still being made: a browser comes back by itself. */
const askAgain = (c: Context, reply: object): Response => {
  c.header('Cache-Control', 'no-store');
  c.header('Retry-After', String(retryAfterSeconds));
  if (prefers(c, 'text/html')) {
    return sendPage(
      c,
      page('The thumbnail is being made', 'This page shows it as soon as it is there.', retryAfterSeconds),
      202,
    );
  }
  return c.json(reply, 202);
};

const prefers = (c: Context, type: 'text/plain' | 'text/html'): boolean =>
  accepts(c, { header: 'Accept', supports: ['application/json', type], default: 'application/json' }) ===
  type;

/** The `wait` of a `Prefer` header (RFC 7240), cut to what is possible; undefined when there is none. */
export const preferredWaitSeconds = (prefer: string | undefined): number | undefined => {
  const [, seconds] = /(?:^|[,;])\s*wait\s*=\s*"?(\d+)"?\s*(?:$|[,;])/i.exec(prefer ?? '') ?? [];
  return seconds === undefined ? undefined : Math.min(Number(seconds), maxWaitSeconds);
};

/** Query parameters, whose names have no case here because headers' have none. */
const queryValues = (c: Context, name: string): readonly string[] =>
  [...new URL(c.req.url).searchParams].flatMap(([key, value]) =>
    key.toLowerCase() === name.toLowerCase() ? [value] : [],
  );

const requireId = (c: Context): ImageId => {
  const id = c.req.param('id') ?? '';
  if (isImageId(id)) return id;
  throw new ImageError(
    'invalid-request',
    'An id is 64 lower-case hexadecimal digits: the SHA-256 of the image.',
    { field: 'id' },
  );
};

const fromJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ImageError('invalid-request', 'The body is not JSON.', { cause });
  }
};

/** @throws ImageError `invalid-request` with the first field that is wrong */
const checked = <Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> => {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  const field = issue?.path.join('.') || undefined;
  throw new ImageError('invalid-request', issue?.message ?? 'The body is malformed.', {
    cause: error,
    field,
  });
};
