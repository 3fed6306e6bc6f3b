/**
 * Patches: the listeners of each request to dynalite.
 * Why: dynalite throws when a client disconnects in the middle of a request, which ends the process.
 * Restores: DynamoDB keeps serving other clients.
 * Upstream issue: https://github.com/architect/dynalite/issues/183
 */
import type { Server } from 'node:http';

/** Runs after dynalite's own listener, so that it can replace what that one registered. */
export const surviveLostConnections = (server: Server): void => {
  server.on('request', (request, response) => {
    request.removeAllListeners('error').on('error', () => response.destroy());
  });
};
