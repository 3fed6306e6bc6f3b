import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { HttpApiResult } from '../../lambdas/ingest/http-api.ts';
import { type Route, routes, routesOf } from '../../lambdas/ingest/routes.ts';
import { type ApiRequest, type ByteRequest, contractHeadersOf, type Send } from './exchange.ts';

/** Sends over HTTP, with the path unchanged. */
export const overHttp =
  (apiUrl: string): Send =>
  ({ method, path, headers = {}, body }) =>
    new Promise((resolve, reject) => {
      const { hostname, port, pathname } = new URL(apiUrl);
      const outgoing = httpRequest({
        method,
        hostname,
        port,
        path: `${pathname}${path}`,
        headers: { ...headers, ...(body.length > 0 ? { 'Content-Length': body.length } : {}) },
      });
      outgoing.once('error', reject);
      outgoing.once('response', (incoming) => {
        text(incoming).then(
          (reply) =>
            resolve({
              status: incoming.statusCode ?? 0,
              headers: contractHeadersOf(incoming.headers),
              body: reply,
            }),
          reject,
        );
      });
      outgoing.end(body);
    });

const domainName = 'xyz789.execute-api.us-east-2.amazonaws.com';
const stage = 'dev';
export const gatewayUrl = `https://${domainName}/${stage}`;

/**
 * Whether API Gateway passes a request to the function where everyone is anonymous. It answers the others
 * itself: 404 for unknown paths and methods, 401 without a valid token, 429 over the throttle, 413 over its
 * own body limit.
 */
export const isRouted = ({ method, path }: ApiRequest): boolean =>
  matchOf(method, path, routesOf({ auth: 'none', uploadPage: null })) !== undefined;

/** The route that API Gateway matches, with its decoded parameters. */
const matchOf = (method: string, path: string, present: readonly Route[] = Object.values(routes)) => {
  const [pathname = ''] = path.split('?');
  for (const route of present) {
    const methods = [route.method, 'OPTIONS', ...(route.method === 'GET' ? ['HEAD'] : [])];
    if (!methods.includes(method)) continue;
    const pattern = route.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)');
    const match = new RegExp(`^${pattern}$`).exec(pathname);
    if (match === null) continue;
    const parameters = Object.entries(match.groups ?? {}).map(([name, value]) => [name, decoded(value)]);
    return { routeKey: `${method} ${route.path}`, pathParameters: Object.fromEntries(parameters) };
  }
  return undefined;
};

/** Unchanged when it cannot be decoded. */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/**
 * A request as an HTTP API passes it to a function (payload format 2.0): text as text, everything else in
 * base64.
 */
const eventOf = (
  { method, path, headers = {}, body }: ByteRequest,
  authorizer: object | undefined,
): APIGatewayProxyEventV2 => {
  const [pathname = '', query = ''] = path.split('?');
  const rawPath = `/${stage}${pathname}`;
  const lowerCase = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const { routeKey, pathParameters } = matchOf(method, path) ?? { routeKey: '$default' };
  const isText = /^(?:text\/|application\/json)/.test(lowerCase['content-type'] ?? '');
  return {
    version: '2.0',
    routeKey,
    pathParameters,
    rawPath,
    rawQueryString: query,
    headers: {
      ...lowerCase,
      host: domainName,
      ...(body.length > 0 ? { 'content-length': String(body.length) } : {}),
    },
    requestContext: {
      ...(authorizer && { authorizer }),
      accountId: '111122223333',
      apiId: 'xyz789',
      domainName,
      domainPrefix: 'xyz789',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
      requestId: 'request',
      routeKey,
      stage,
      time: '23/Nov/2026:20:00:00 +0000',
      timeEpoch: 1,
    },
    body: body.length > 0 ? body.toString(isText ? 'utf8' : 'base64') : undefined,
    isBase64Encoded: body.length > 0 && !isText,
  };
};

/**
 * Sends to the function as API Gateway does.
 *
 * @param authorizerOf what API Gateway has found out about the caller. @default - nothing
 */
export const throughGateway =
  (
    handler: (event: APIGatewayProxyEventV2) => Promise<HttpApiResult>,
    authorizerOf: (request: ByteRequest) => object | undefined = () => undefined,
  ): Send =>
  async (request) => {
    const event = eventOf(request, authorizerOf(request));
    const { statusCode, headers = {}, body, isBase64Encoded } = await handler(event);
    return {
      status: statusCode,
      headers: contractHeadersOf(headers),
      body:
        request.method === 'HEAD' ? '' : Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8').toString(),
    };
  };
