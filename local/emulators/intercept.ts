import type { IncomingMessage, Server, ServerResponse } from 'node:http';

export type Interceptor = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** Runs an interceptor before a server's present listeners, which get the request when it calls `next`. */
export const interceptRequests = (server: Server, interceptor: Interceptor): void => {
  const listeners = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) =>
    interceptor(request, response, () => {
      for (const listener of listeners) listener.call(server, request, response);
    }),
  );
};
