import type { Server } from 'node:http';

/** Ends a server and the connections that clients keep open. */
export const closeServer = async (server: Server): Promise<void> => {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
};
