import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4, type SignatureV4Init } from '@smithy/signature-v4';
import { NotAsExpected } from './outcome.ts';

type Headers = Readonly<Record<string, string>>;

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  /** @default - none */
  readonly headers?: Headers;
  /** @default - none */
  readonly body?: Buffer;
  /** Another host to connect to, as with curl's --connect-to. @default - that of the URL */
  readonly connectTo?: string | undefined;
  readonly signal: AbortSignal;
}

/** Longer than API Gateway lets a request take (30 s). */
const timeoutMilliseconds = 40_000;

/**
 * Sends one request. It does not follow redirects, and returns a reply that came before the body was sent.
 *
 * @throws NotAsExpected when there is no reply
 */
export const sendHttp = ({
  method,
  url,
  headers = {},
  body,
  connectTo,
  signal,
}: HttpRequest): Promise<HttpReply> =>
  new Promise((resolve, reject) => {
    const { protocol, hostname, host } = new URL(url);
    const send = protocol === 'https:' ? httpsRequest : httpRequest;
    let isAnswered = false;
    const fail = (error: Error): void => {
      if (isAnswered) return;
      if (signal.aborted) reject(error);
      else reject(new NotAsExpected(`${method} ${withoutQuery(url)} got no reply (${error.message}).`));
    };
    const sent = send(
      url,
      {
        method,
        headers: { host, 'content-length': body?.length ?? 0, ...headers },
        signal,
        ...(connectTo === undefined ? {} : { host: connectTo, servername: hostname }),
      },
      (response) => {
        isAnswered = true;
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', (error) => {
          isAnswered = false;
          fail(error);
        });
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    sent.setTimeout(timeoutMilliseconds, () => sent.destroy(new Error('timed out')));
    sent.on('error', fail);
    sent.end(body);
  });

/** A presigned URL must not be printed. */
const withoutQuery = (url: string): string => url.split('?', 1).join();

/** How requests to the API say who sends them. */
export type Caller =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'iam'; readonly region: string; readonly credentials: SignatureV4Init['credentials'] }
  | { readonly kind: 'token'; readonly token: string };

export interface ApiProps {
  /** With the stage, without a slash at the end. */
  readonly baseUrl: string;
  readonly caller: Caller;
  /** @default - the host of `baseUrl` */
  readonly connectTo?: string | undefined;
  readonly signal: AbortSignal;
}

export interface Api {
  readonly baseUrl: string;
  /**
   * Sends a request to a route.
   *
   * @param path the part after the stage, with its slash
   */
  send(
    method: string,
    path: string,
    options?: {
      readonly headers?: Headers;
      readonly body?: Buffer;
      /** @default - that of the run */
      readonly caller?: Caller;
    },
  ): Promise<HttpReply>;
  /** Sends a request to a URL that was signed for it. */
  sendPresigned(method: string, url: string, headers?: Headers, body?: Buffer): Promise<HttpReply>;
}

export const createApi = ({ baseUrl, caller, connectTo, signal }: ApiProps): Api => ({
  baseUrl,
  async send(method, path, options = {}) {
    const { headers = {}, body } = options;
    const url = `${baseUrl}${path}`;
    const signed = await withCaller(options.caller ?? caller, { method, url, headers, body });
    return sendHttp({ method, url, headers: signed, connectTo, signal, ...(body && { body }) });
  },
  sendPresigned: (method, url, headers = {}, body) =>
    sendHttp({ method, url, headers, signal, ...(body && { body }) }),
});

/** The headers of a request, with those that prove the caller. */
const withCaller = async (
  caller: Caller,
  {
    method,
    url,
    headers,
    body,
  }: {
    readonly method: string;
    readonly url: string;
    readonly headers: Headers;
    readonly body: Buffer | undefined;
  },
): Promise<Headers> => {
  if (caller.kind === 'anonymous') return headers;
  if (caller.kind === 'token') return { ...headers, authorization: `Bearer ${caller.token}` };
  const { credentials, region } = caller;
  const signer = new SignatureV4({ service: 'execute-api', region, credentials, sha256: Sha256 });
  const { hostname, host, protocol, pathname } = new URL(url);
  const signed = await signer.sign({
    method,
    protocol,
    hostname,
    path: pathname,
    headers: { ...headers, host },
    body,
  });
  return signed.headers;
};
