import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { foreignRequest } from '../../containers/own-requests.ts';
import type { Credentials } from '../data-folder.ts';
import { isSignedWith } from './signature.ts';

/** Both names of this machine, as people type either of them. Clients leave the port out where it is HTTP's own. */
export const hostsAt = (port: number): readonly string[] =>
  ['127.0.0.1', 'localhost'].map((name) => (port === 80 ? name : `${name}:${port}`));

export const originsAt = (port: number): readonly string[] => hostsAt(port).map((host) => `http://${host}`);

/** Whose requests an embedded service may answer. */
export interface Guard {
  /** With these a request is to be signed. */
  readonly credentials: Credentials;
  /** The pages that may send requests, besides the service's own. */
  readonly origins: readonly string[];
  /** Where a proxy shows the service as well. @default - nowhere */
  readonly proxyPort?: number;
}

/** What needs no signature, because people open it in a browser, or because the service itself checks the signature. */
export type IsOpen = (request: IncomingMessage) => boolean;

/**
 * Lets a server answer this machine's own requests alone. The emulators trust whoever reaches them, and so any page in the
 * developer's browser. They also never hear of an `Origin`, so that none of them answers with `Access-Control-…`: where a
 * page may read replies is decided here.
 */
export const ownRequestsOnly = (server: Server, guard: Guard, isOpen: IsOpen = () => false): void => {
  const { credentials, origins, proxyPort } = guard;
  const listeners = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', headers, socket } = request;
    const port = socket.localPort ?? 0;
    const foreign = foreignRequest(
      {
        method,
        host: hostOf(request),
        origin: headers.origin,
        fetchSite: singleOf(headers['sec-fetch-site']),
      },
      {
        hosts: [port, proxyPort].flatMap((each) => (each === undefined ? [] : hostsAt(each))),
        origins: [...originsAt(port), ...origins],
      },
    );
    if (foreign !== undefined) {
      const status = foreign.code === 'unknown-host' ? 421 : 403;
      response.writeHead(status, { 'Content-Type': 'text/plain' }).end(`${foreign.detail}\n`);
    } else if (!isOpen(request) && !isSignedWith(request, credentials)) {
      refuseSignature(request, response);
    } else {
      delete headers.origin;
      for (const listener of listeners) listener.call(server, request, response);
    }
  });
};

/** The host that a request names. A target that begins with a host of its own goes before the header (RFC 9112, 3.2.2). */
const hostOf = ({ url = '', headers }: IncomingMessage): string | undefined =>
  url.startsWith('/') ? headers.host : undefined;

const singleOf = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : header?.join();

/** In the words in which the SDK expects an error, so that a wrong setting is reported as what it is. */
const refuseSignature = ({ headers }: IncomingMessage, response: ServerResponse): void => {
  const code = 'UnrecognizedClientException';
  const message = 'The request is not signed with the credentials in the data folder of this npm start.';
  const isJson = headers['content-type']?.includes('json') ?? false;
  response
    .writeHead(403, {
      'Content-Type': isJson ? 'application/json' : 'application/xml',
      'x-amzn-errortype': code,
    })
    .end(
      isJson
        ? JSON.stringify({ __type: code, message })
        : `<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
    );
};
