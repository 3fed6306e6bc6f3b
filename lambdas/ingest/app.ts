import { type Context, type Handler, Hono, type MiddlewareHandler } from 'hono';
import { getPath } from 'hono/utils/url';
import { RequestError } from '../runtime/request-error.ts';
import { type Auth, type Links, tellsDeletions } from './auth.ts';
import { allowOrigins } from './cors.ts';
import { createDescriptionHandler } from './description-handler.ts';
import { createImageHandlers, type ImageHandlersProps } from './image-handlers.ts';
import { createErrorHandler, refuse } from './problem-reply.ts';
import { authOf, type Route, routes, routesOf } from './routes.ts';
import { createUploadHandlers, type UploadHandlersProps } from './upload-handlers.ts';
import { createClientHandler, createUploadPageHandler } from './upload-page.ts';

export interface IngestAppProps
  extends Omit<UploadHandlersProps & ImageHandlersProps, 'apiUrl' | 'tellsDeletions'> {
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
  /** Checks callers of guarded routes; throws RequestError. @default - the gateway has checked them */
  readonly authenticate?: (request: Request) => Promise<void>;
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
  const { upload, announce } = createUploadHandlers({ ...props, apiUrl });
  const { image, link } = createImageHandlers({
    ...props,
    apiUrl,
    tellsDeletions: tellsDeletions(auth, links),
  });
  const endpoints: readonly (readonly [Route, Handler])[] = [
    [routes.upload, upload],
    [routes.announce, announce],
    [routes.image, image],
    [routes.link, link],
    [routes.variantLink, link],
    [routes.description, createDescriptionHandler(props, apiUrl)],
    [routes.client, createClientHandler()],
    [routes.page, createUploadPageHandler({ ...props, apiUrl })],
  ];
  const requireCaller: MiddlewareHandler = async (c, next) => {
    await authenticate?.(c.req.raw);
    await next();
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
    const path = honoPath(route);
    if (authOf(route, auth, links) !== 'none') app.on(route.method, path, requireCaller);
    app.on(route.method, path, handler);
    app.all(path, (c) => {
      c.header('Allow', route.method);
      const detail = `${c.req.method} is not allowed here; use ${route.method}.`;
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
