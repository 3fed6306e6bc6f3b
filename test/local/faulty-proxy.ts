import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { host } from '../../local/ports.ts';

/** What happens to one request: it is answered here, or its body changes on the way. */
export type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | 'flip-a-byte'
  | 'disconnect';

/** Stands between a client and a server. Requests are counted from 1. */
export interface FaultyProxy {
  readonly port: number;
  /** Method, path and the token of each request so far. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** @param faultOf the fault of a request. @default - it passes unchanged */
export const startFaultyProxy = async (
  target: number,
  faultOf: (request: IncomingMessage, count: number) => Fault | undefined,
): Promise<FaultyProxy> => {
  const requests: string[] = [];

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method, url = '', headers } = incoming;
    requests.push([method, url.split('?')[0], headers.authorization].filter(Boolean).join(' '));
    const fault = faultOf(incoming, requests.length);
    const body = await buffer(incoming);
    if (fault === 'disconnect') {
      incoming.socket.destroy();
      return;
    }
    if (typeof fault === 'object') {
      outgoing.writeHead(fault.status, fault.headers).end(fault.body);
      return;
    }
    if (fault === 'flip-a-byte') body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
    const passed = request({ host, port: target, method, path: url, headers }, (reply) => {
      outgoing.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    passed.end(body);
  };

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await once(server.listen(0, host), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  return {
    port: address.port,
    requests,
    close: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
};
