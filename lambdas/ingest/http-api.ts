import type { APIGatewayProxyEventV2 } from 'aws-lambda';

/** A reply as an HTTP API expects it of a function. */
export interface HttpApiResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** A header's value as `Headers` accept it: API Gateway decodes bytes to characters that no header may have. */
const encodedValue = (value: string): string =>
  /[^\0-\x7f]/.test(value) ? encodeURIComponent(value) : value;

/** The request without its body, which `Request` would copy and only give back as a stream. */
export const requestOf = (
  { headers, cookies, rawQueryString, requestContext }: APIGatewayProxyEventV2,
  method: string,
  path: string,
): Request => {
  const sent = new Headers();
  for (const [name, value] of Object.entries(headers)) if (value) sent.set(name, encodedValue(value));
  if (cookies) sent.set('Cookie', cookies.map(encodedValue).join('; '));
  const query = rawQueryString ? `?${rawQueryString}` : '';
  return new Request(`https://${requestContext.domainName}${path}${query}`, { method, headers: sent });
};

export const bodyOf = ({ body, isBase64Encoded }: APIGatewayProxyEventV2): Uint8Array =>
  Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');

/** All replies are text. */
export const resultOf = async (response: Response): Promise<HttpApiResult> => ({
  statusCode: response.status,
  headers: Object.fromEntries(response.headers),
  body: await response.text(),
  isBase64Encoded: false,
});
