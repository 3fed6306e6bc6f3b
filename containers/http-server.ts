import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { isPlainTarget, unknownPath } from '../lambdas/ingest/request-target.ts';
import { routeKeyOf } from '../lambdas/ingest/routes.ts';
import type { Log } from '../lambdas/runtime/log.ts';

export interface HttpServerProps {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** The path segment that stands before every route. */
  readonly stage: string;
  readonly log: Log;
}

/** Longer than a load balancer keeps an idle connection (60 s), so that it never reuses one that ends just then. */
const keepAliveMilliseconds = 65_000;

/** How long a request's headers may take to arrive. No load balancer sends them in pieces. */
const headersMilliseconds = 10_000;

/** How long a whole request may take to arrive, as in API Gateway. */
const requestMilliseconds = 30_000;

/**
 * How long a request may last from its headers to the last byte of its reply: it may take 30 s to arrive and 20 s to wait
 * for thumbnails. Whoever does not read its reply is cut off then.
 */
const exchangeMilliseconds = 60_000;

/**
 * How long more of a refused body is read, and thrown away, after the reply. A connection that is closed while its client
 * is still sending is reset, and the client may never read why it was refused.
 */
const lingerMilliseconds = 2000;

/**
 * Requests of one connection that may be under way. Node.js reads all that a client sends without waiting for replies, in
 * one turn of the event loop. Neither browsers nor load balancers do that.
 */
const maxPipelined = 8;

/** The HTTP server of a container: what API Gateway does for a function, it must do by itself. */
export const createHttpServer = ({ fetch, stage, log }: HttpServerProps): Server => {
  const answer = getRequestListener(fetch);
  const underWay = new WeakMap<Socket, number>();
  /** Whether a connection has room for one more request. One that has not is closed. */
  const isWithinPipeline = ({ socket }: IncomingMessage, outgoing: ServerResponse): boolean => {
    const count = (underWay.get(socket) ?? 0) + 1;
    if (socket.destroyed) return false;
    if (count > maxPipelined) {
      socket.destroy();
      return false;
    }
    underWay.set(socket, count);
    outgoing.once('close', () => underWay.set(socket, (underWay.get(socket) ?? 1) - 1));
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
      logAnswer(incoming, outgoing, stage, log);
      if (!isPlainTarget(incoming.url ?? '')) incoming.url = unknownPath;
      void answer(incoming, outgoing);
    },
  );
};

/** No exchange lasts for ever, whatever its client does or does not do. */
const endInTime = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
  const { socket } = incoming;
  const isLast = !outgoing.shouldKeepAlive;
  // Node.js would close the connection as soon as it has answered, even while the body still comes in.
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

/** One line for each request, as API Gateway writes it: never its query, which may hold an address, nor its path, which may hold a hash. */
const logAnswer = (incoming: IncomingMessage, outgoing: ServerResponse, stage: string, log: Log): void => {
  const startedAt = performance.now();
  const bytesBefore = incoming.socket.bytesWritten;
  outgoing.once('close', () => {
    const [path = ''] = (incoming.url ?? '').split(/[?#]/, 1);
    // The load balancer asks for these all the time.
    if (path === '/health' || path === '/ready') return;
    log.info('request answered', {
      route: routeKeyOf(incoming.method ?? '', path, stage) ?? '-',
      // Undefined when the client was gone before there was a reply.
      status: outgoing.headersSent ? outgoing.statusCode : undefined,
      responseBytes: incoming.socket.bytesWritten - bytesBefore,
      milliseconds: Math.round(performance.now() - startedAt),
      ip: clientOf(incoming),
    });
  });
};

/**
 * Who sent a request. A load balancer adds its client's address as the last one (Elastic Load Balancing, "HTTP headers and Application
 * Load Balancers", X-Forwarded-For); what stands before it is the client's own word.
 */
const clientOf = ({ headers, socket }: IncomingMessage): string | undefined => {
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').at(-1)?.trim() ?? '';
  return isIP(forwarded) > 0 ? forwarded : socket.remoteAddress;
};
