import { type Context, type Handler, Hono, type MiddlewareHandler } from 'hono';
import { getPath } from 'hono/utils/url';
import type { OwnImages } from '../owners/own-images.ts';
import type { Authenticate, Caller } from '../runtime/caller.ts';
import { RequestError } from '../runtime/request-error.ts';
import { type Auth, type Links, tellsDeletions } from './auth.ts';
import { allowOrigins } from './cors.ts';
import { createDescriptionHandler } from './description-handler.ts';
import { createImageHandlers, type ImageHandlersProps } from './image-handlers.ts';
import type { Ingest } from './ingest.ts';
import { createOwnImagesHandlers } from './own-images-handlers.ts';
import { createErrorHandler, refuse } from './problem-reply.ts';
import { authOf, type Route, routes, routesOf } from './routes.ts';
import { createUploadHandlers, type UploadHandlersProps } from './upload-handlers.ts';
import { createClientHandler, createUploadPageHandler } from './upload-page.ts';

export interface IngestAppProps
  extends Omit<UploadHandlersProps & ImageHandlersProps, 'apiUrl' | 'ingestOf' | 'tellsDeletions'> {
  /** The service as a caller may use it. */
  readonly ingestFor: (caller: Caller) => Ingest;
  /** The images of an owner. @default - there are none: `auth` is `none` */
  readonly ownImagesFor?: ((owner: string) => OwnImages) | undefined;
  /** The beginning of links, with the stage, without a trailing slash. @default - from each request */
  readonly publicUrl?: string;
  readonly auth: Auth;
  readonly links: Links;
  /** Pages of these origins may use the API. */
  readonly corsOrigins: readonly string[];
  /** Whether `GET /` shows a page for uploads. @default - where everyone may upload */
  readonly uploadPage: boolean | null;
  /** Where browsers fetch thumbnails and send large images. */
  readonly bucketOrigins: () => Promise<readonly string[]>;
  /** Checks every request first; throws RequestError. @default - all are accepted */
  readonly checkRequest?: (request: Request) => void;
  /** Finds out who calls a guarded route. @default - no route is guarded: `auth` is `none` */
  readonly authenticate?: Authenticate | undefined;
  /** Whether an error only means that a dependency is too busy at the moment. */
  readonly isBusy: (error: unknown) => boolean;
}

/**
 * The API as one `Request -> Response` function, the same in a function, in a container and in tests. It
 * answers with and without the stage before the path: API Gateway keeps it there, other servers may not.
 */
export const createIngestApp = (props: IngestAppProps): Hono => {
  const { stage, publicUrl, auth, links, corsOrigins, checkRequest, authenticate } = props;
  const base = `/${stage}`;
  const apiUrl = (c: Context): string => publicUrl ?? new URL(c.req.url).origin + base;
  /** Set before any handler runs, so that no mistake in a route opens what belongs to others. */
  const callers = new WeakMap<Request, Caller>();
  const callerOf = (c: Context): Caller => {
    const caller = callers.get(c.req.raw);
    if (caller === undefined) throw new Error('The caller has not been determined.');
    return caller;
  };
  const ingestOf = (c: Context): Ingest => props.ingestFor(callerOf(c));
  const ownImagesOf = (c: Context): OwnImages => {
    const caller = callerOf(c);
    if (caller.kind === 'anonymous' || !props.ownImagesFor) throw new Error('The caller owns no images.');
    return props.ownImagesFor(caller.owner);
  };
  const { upload, announce } = createUploadHandlers({ ...props, apiUrl, ingestOf });
  const { image, link } = createImageHandlers({
    ...props,
    apiUrl,
    ingestOf,
    tellsDeletions: tellsDeletions(auth, links),
  });
  const { list, remove } = createOwnImagesHandlers({ ...props, apiUrl, ownImagesOf });
  const endpoints: readonly (readonly [Route, Handler])[] = [
    [routes.upload, upload],
    [routes.announce, announce],
    [routes.image, image],
    [routes.images, list],
    [routes.remove, remove],
    [routes.link, link],
    [routes.variantLink, link],
    [routes.description, createDescriptionHandler(props, apiUrl)],
    [routes.client, createClientHandler()],
    [routes.page, createUploadPageHandler({ ...props, apiUrl })],
  ];
  const requireCaller: MiddlewareHandler = async (c, next) => {
    if (authenticate === undefined) throw new Error('A guarded route needs a way to know its callers.');
    // A browser keeps redirects of links, and its next user may be another caller.
    c.header('Vary', 'Authorization', { append: true });
    callers.set(c.req.raw, await authenticate(c.req.raw));
    await next();
  };
  const acceptEveryone: MiddlewareHandler = (c, next) => {
    callers.set(c.req.raw, { kind: 'anonymous' });
    return next();
  };

  const app = new Hono({
    getPath: (request) => {
      const path = getPath(request);
      if (path === base) return '/';
      return path.startsWith(`${base}/`) ? path.slice(base.length) : path;
    },
  });
  app.use(async (c, next) => {
    // A browser must not guess another type than the reply declares.
    c.header('X-Content-Type-Options', 'nosniff');
    checkRequest?.(c.req.raw);
    await next();
  });
  if (corsOrigins.length > 0) app.use(allowOrigins(corsOrigins));
  const present = routesOf(props);
  for (const [route, handler] of endpoints) {
    if (!present.includes(route)) continue;
    const isOpen = authOf(route, auth, links) === 'none';
    app.on(route.method, honoPath(route), isOpen ? acceptEveryone : requireCaller, handler);
  }
  for (const route of present) {
    const methods = present.filter(({ path }) => path === route.path).map(({ method }) => method);
    app.all(honoPath(route), (c) => {
      c.header('Allow', methods.join(', '));
      const detail = `${c.req.method} is not allowed here; use ${methods.join(' or ')}.`;
      throw new RequestError('method-not-allowed', detail);
    });
  }
  app.notFound((c) =>
    refuse(c, { code: 'not-found', detail: `There is no such path. ${base}/openapi.json lists all routes.` }),
  );
  app.onError(createErrorHandler(props.isBusy, props.log));
  return app;
};

/** `/images/{id}` is `/images/:id` in Hono. */
const honoPath = ({ path }: Route): string => path.replaceAll(/\{(\w+)\}/g, ':$1');
