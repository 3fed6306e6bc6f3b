import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { foreignRequest } from '../../containers/own-requests.ts';
import type { Credentials } from '../data-folder.ts';
import { interceptRequests } from './intercept.ts';
import { isSignedWith } from './signature.ts';

/** Both names of this machine, because people type either. Clients leave out port 80, the default of HTTP. */
export const hostsAt = (port: number): readonly string[] =>
  ['127.0.0.1', 'localhost'].map((name) => (port === 80 ? name : `${name}:${port}`));

export const originsAt = (port: number): readonly string[] => hostsAt(port).map((host) => `http://${host}`);

/** Which requests an emulator answers. */
export interface Guard {
  /** Requests must be signed with these. */
  readonly credentials: Credentials;
  /** The origins of pages that may send requests, besides the emulator's own. */
  readonly origins: readonly string[];
  /** The port of a proxy in front of the emulator. @default - no proxy */
  readonly proxyPort?: number;
}

/** Whether a request needs no signature: a browser sends it, or the emulator checks the signature itself. */
export type IsOpen = (request: IncomingMessage) => boolean;

/**
 * Answers only requests from this machine. The emulators trust every client, and so would serve any web
 * page that the developer visits.
 *
 * @param hasPageRules whether the emulator itself knows which pages may read its replies
 */
export const ownRequestsOnly = (
  server: Server,
  guard: Guard,
  isOpen: IsOpen = () => false,
  hasPageRules = false,
): void => {
  const { credentials, origins, proxyPort } = guard;
  interceptRequests(server, (request, response, next) => {
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
      // An emulator without rules about pages would allow every page to read its replies.
      if (!hasPageRules) delete headers.origin;
      next();
    }
  });
};

/** The host of a request. An absolute target overrides it (RFC 9112, 3.2.2): undefined, so refused. */
const hostOf = ({ url = '', headers }: IncomingMessage): string | undefined =>
  url.startsWith('/') ? headers.host : undefined;

const singleOf = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : header?.join();

/** In the form that the SDK parses, so that it reports wrong credentials as such. */
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
