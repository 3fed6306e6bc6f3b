import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { isPlainTarget, pathWithoutRoute } from '../lambdas/ingest/request-target.ts';
import { routeKeyOf } from '../lambdas/ingest/routes.ts';
import type { Log } from '../lambdas/runtime/log.ts';

export interface HttpServerProps {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** The path segment that stands before every route. */
  readonly stage: string;
  readonly log: Log;
}

/** Longer than a load balancer keeps an idle connection (60 s), so that it never reuses a closing one. */
const keepAliveMilliseconds = 65_000;

/** How long the headers of a request may take to arrive. A load balancer sends them immediately. */
const headersMilliseconds = 10_000;

/** How long a whole request may take to arrive, as in API Gateway. */
const requestMilliseconds = 30_000;

/**
 * From the headers of a request to the last byte of its reply: a request may take 30 s to arrive and 20 s to
 * wait for thumbnails. A client that does not read its reply is then disconnected.
 */
const exchangeMilliseconds = 60_000;

/**
 * How long the rest of a refused body is read and discarded after the reply. Closing the connection while the
 * client sends would reset it, and the client might never read the reply.
 */
const lingerMilliseconds = 2000;

/**
 * Open requests of one connection. Node.js starts all pipelined requests in one turn of the event loop.
 * Neither browsers nor load balancers pipeline.
 */
const maxPipelined = 8;

/** The HTTP server of a container, with the limits that API Gateway has for a function. */
export const createHttpServer = ({ fetch, stage, log }: HttpServerProps): Server => {
  const respond = getRequestListener(fetch);
  const openRequests = new WeakMap<Socket, number>();
  /** Counts a request of its connection. Closes a connection with too many. */
  const isWithinPipeline = ({ socket }: IncomingMessage, outgoing: ServerResponse): boolean => {
    const count = (openRequests.get(socket) ?? 0) + 1;
    if (socket.destroyed) return false;
    if (count > maxPipelined) {
      socket.destroy();
      return false;
    }
    openRequests.set(socket, count);
    outgoing.once('close', () => openRequests.set(socket, (openRequests.get(socket) ?? 1) - 1));
    return true;
  };
  return createServer(
    {
      keepAliveTimeout: keepAliveMilliseconds,
      requestTimeout: requestMilliseconds,
      headersTimeout: headersMilliseconds,
      connectionsCheckingInterval: 1000,
    },
    (incoming, outgoing) => {
      if (!isWithinPipeline(incoming, outgoing)) return;
      endInTime(incoming, outgoing);
      logRequest(incoming, outgoing, stage, log);
      if (!isPlainTarget(incoming.url ?? '')) incoming.url = pathWithoutRoute;
      void respond(incoming, outgoing);
    },
  );
};

/** Limits the time of an exchange, whatever the client does. */
const endInTime = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
  const { socket } = incoming;
  const isLast = !outgoing.shouldKeepAlive;
  // Otherwise Node.js closes the connection right after the reply, while the body is still arriving.
  outgoing.shouldKeepAlive = true;
  const exchange = setTimeout(() => socket.destroy(), exchangeMilliseconds);
  outgoing.once('close', () => clearTimeout(exchange));
  outgoing.once('finish', () => {
    if (incoming.complete) {
      if (isLast) socket.destroySoon();
      return;
    }
    const linger = setTimeout(() => socket.destroy(), lingerMilliseconds);
    incoming.once('close', () => {
      clearTimeout(linger);
      if (isLast) socket.destroySoon();
    });
  });
};

/** Logs one line for each request, as API Gateway does. Path and query may contain an id or an address. */
const logRequest = (incoming: IncomingMessage, outgoing: ServerResponse, stage: string, log: Log): void => {
  const startedAt = performance.now();
  const bytesBefore = incoming.socket.bytesWritten;
  outgoing.once('close', () => {
    const [path = ''] = (incoming.url ?? '').split(/[?#]/, 1);
    // The load balancer sends these all the time.
    if (path === '/health' || path === '/ready') return;
    log.info('request answered', {
      route: routeKeyOf(incoming.method ?? '', path, stage) ?? '-',
      // Undefined when the client disconnected before the reply.
      status: outgoing.headersSent ? outgoing.statusCode : undefined,
      responseBytes: incoming.socket.bytesWritten - bytesBefore,
      milliseconds: Math.round(performance.now() - startedAt),
      ip: clientOf(incoming),
    });
  });
};

/**
 * The address of the client. A load balancer appends it to X-Forwarded-For (Elastic Load Balancing, "HTTP
 * headers and Application Load Balancers"); addresses before it are claims of the client.
 */
const clientOf = ({ headers, socket }: IncomingMessage): string | undefined => {
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').at(-1)?.trim() ?? '';
  return isIP(forwarded) > 0 ? forwarded : socket.remoteAddress;
};
