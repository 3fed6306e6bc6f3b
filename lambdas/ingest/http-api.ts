import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { requireWithin, type WithBody } from './body.ts';

/** A reply in the form that an HTTP API expects from a function. */
export interface HttpApiResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** A `Request` would copy its body and return it only as a stream, so bodies stay beside their requests. */
const bodies = new WeakMap<Request, Uint8Array>();

const contexts = new WeakMap<Request, unknown>();

/** What API Gateway has found out about a request that `requestOf` made. */
export const contextOf = (request: Request): unknown => contexts.get(request);

/** API Gateway decodes header bytes to characters that `Headers` reject. */
const encodedValue = (value: string): string =>
  /[^\0-\x7f]/.test(value) ? encodeURIComponent(value) : value;

export const requestOf = (event: APIGatewayProxyEventV2, method: string, path: string): Request => {
  const { cookies, rawQueryString, requestContext, body, isBase64Encoded } = event;
  const headers = new Headers();
  for (const [name, value] of Object.entries(event.headers)) {
    if (value) headers.set(name, encodedValue(value));
  }
  if (cookies) headers.set('Cookie', cookies.map(encodedValue).join('; '));
  const query = rawQueryString ? `?${rawQueryString}` : '';
  const request = new Request(`https://${requestContext.domainName}${path}${query}`, { method, headers });
  contexts.set(request, requestContext);
  bodies.set(request, Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8'));
  return request;
};

/** The body of a request that `requestOf` made. */
export const withEventBody: WithBody = async (request, limit, use) => {
  const body = bodies.get(request) ?? new Uint8Array();
  requireWithin(limit, body.byteLength);
  return use(body);
};

/** All replies are text. */
export const resultOf = async (response: Response): Promise<HttpApiResult> => ({
  statusCode: response.status,
  headers: Object.fromEntries(response.headers),
  body: await response.text(),
  isBase64Encoded: false,
});
