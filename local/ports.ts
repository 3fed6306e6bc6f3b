import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { StartError } from './start-error.ts';

/** Nothing here is for other machines. */
export const host = '127.0.0.1';

/** @throws StartError for the first port that something else listens on, before anything of ours has started */
export const refuseBusyPorts = async (ports: Readonly<Record<string, number>>): Promise<void> => {
  for (const [use, port] of Object.entries(ports)) {
    const server = createServer();
    try {
      await once(server.listen(port, host), 'listening');
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? error.code : error;
      throw new StartError(
        `Port ${port} (${use}) cannot be used: ${reason === 'EADDRINUSE' ? 'something else listens on it' : reason}.\n` +
          'Choose others: PORT=3100 npm start takes 3100, 3101 and 3102.',
      );
    }
    await once(server.close(), 'close');
  }
};

/** Waits until something accepts connections. */
export const untilListening = async (port: number, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    const socket = connect(port, host);
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await wait(50);
    } finally {
      socket.destroy();
    }
  }
};
