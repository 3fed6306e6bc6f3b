import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { readEnvironment } from '../runtime/environment.ts';
import { collectGarbageLessOften } from '../runtime/heap.ts';
import { createLog } from '../runtime/log.ts';
import { ingestEnvironment } from './environment.ts';
import { createGatewayCallers } from './gateway-callers.ts';
import { requestOf, resultOf, withEventBody } from './http-api.ts';
import { isPlainTarget, pathWithoutRoute } from './request-target.ts';
import { routeOf, routesOf } from './routes.ts';
import { wireIngest } from './wiring.ts';

collectGarbageLessOften();
const environment = readEnvironment(ingestEnvironment);
const app = wireIngest(environment, createLog('ingest'), {
  withBody: withEventBody,
  authenticate: createGatewayCallers(environment.auth),
});

const present = routesOf(environment);

const noRoute = { method: 'GET', path: pathWithoutRoute } as const;

/**
 * Method and path of the route that API Gateway matched, and whose caller it checked, with the parameters
 * that it found (API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs"). Never
 * the path that was sent: API Gateway decodes that, so `/thumbnails/..%5Cimages%5C<id>`, on an open route,
 * would lead to a guarded route here.
 */
const matchedRoute = ({ routeKey, pathParameters }: APIGatewayProxyEventV2) => {
  const route = routeOf(routeKey, present);
  if (route === undefined) return noRoute;
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent((pathParameters?.[name] ?? '').toWellFormed()),
  );
  // No valid path has a segment that needs encoding.
  if (!isPlainTarget(path)) return noRoute;
  return { method: routeKey.slice(0, routeKey.indexOf(' ')), path: `/${environment.stage}${path}` };
};

export const handler = async (event: APIGatewayProxyEventV2) => {
  const { method, path } = matchedRoute(event);
  return resultOf(await app.fetch(requestOf(event, method, path)));
};
