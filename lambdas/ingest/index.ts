import { Hono } from 'hono';
import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import { readEnvironment } from '../environment.ts';
import { collectGarbageLessOften } from '../heap.ts';
import { createLog } from '../log.ts';
import { ingestEnvironment } from './environment.ts';
import { isPlainTarget, unknownPath } from './request-target.ts';
import { routeOf } from './routes.ts';
import { createIngestService } from './service.ts';

collectGarbageLessOften();
const log = createLog('ingest');
const environment = readEnvironment(ingestEnvironment);
const app = createIngestService(environment, log);

/**
 * The body as a stream of its own: Hono would decode it in JavaScript, byte by byte, and `Request` would copy it once more
 * (35 of 54 ms of CPU for a photo of 4 MB).
 */
const withBody = (request: Request, { body, isBase64Encoded }: LambdaEvent): Request => {
  if (!body) return request;
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  const headers = new Headers(request.headers);
  headers.set('Content-Length', String(bytes.byteLength));
  return new Request(request, { headers, body: ReadableStream.from([bytes]), duplex: 'half' });
};

/** A request as an HTTP API hands it to a function (payload format 2.0). */
export type HttpApiEvent = Extract<LambdaEvent, { readonly rawPath: string }>;

const nowhere = { method: 'GET', path: unknownPath } as const;

/**
 * Method and path of the route that API Gateway matched, and whose caller it checked, with the parameters that it found (API Gateway
 * Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs"). Never the path that was sent: API Gateway decodes that, so
 * `/thumbnails/..%5Cimages%5C<id>`, on an open route, would lead to another route here, which is guarded.
 */
const matchedRoute = ({ routeKey, pathParameters }: HttpApiEvent) => {
  const route = routeOf(routeKey);
  if (route === undefined) return nowhere;
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent((pathParameters?.[name] ?? '').toWellFormed()),
  );
  // What would have to be encoded to be part of one segment is in no path of ours.
  if (!isPlainTarget(path)) return nowhere;
  return { method: routeKey.slice(0, routeKey.indexOf(' ')), path: `/${environment.STAGE}${path}` };
};

export const handler = (event: HttpApiEvent, context?: LambdaContext) => {
  const { method, path } = matchedRoute(event);
  const { requestContext } = event;
  const outer = new Hono().all('*', ({ req }) => app.fetch(withBody(req.raw, event)));
  return handle(outer)(
    {
      ...event,
      rawPath: path,
      requestContext: { ...requestContext, http: { ...requestContext.http, method } },
      body: null,
    },
    context,
  );
};
