import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { StartError } from './start-error.ts';

/** Other machines must not reach the servers. */
export const host = '127.0.0.1';

/** One port for each server, derived from the API's, so that presigned URLs work after a restart. */
export interface Ports {
  readonly api: number;
  readonly s3: number;
  /** SQS and SNS. */
  readonly sqs: number;
  readonly dynamodb: number;
  /** SES, and the page that shows the mails. */
  readonly mail: number;
}

export const portsFrom = (api: number): Ports => ({
  api,
  s3: api + 1,
  sqs: api + 2,
  dynamodb: api + 3,
  mail: api + 4,
});

export const endpointOf = (port: number): string => `http://${host}:${port}`;

/** The ports by the names of their servers, as in messages. */
const named = ({ api, s3, sqs, dynamodb, mail }: Ports) =>
  Object.entries({ API: api, S3: s3, SQS: sqs, DynamoDB: dynamodb, mail });

/** How long an earlier run may still hold its ports: npm returns before it has stopped. */
const stoppingMilliseconds = 2000;

/** @throws StartError for the first port that stays in use */
export const refuseBusyPorts = async (ports: Ports): Promise<void> => {
  const deadline = Date.now() + stoppingMilliseconds;
  for (const [use, port] of named(ports)) {
    let reason = await reasonAgainst(port);
    while (reason === 'EADDRINUSE' && Date.now() < deadline) {
      await wait(100);
      reason = await reasonAgainst(port);
    }
    if (reason === undefined) continue;
    throw new StartError(
      `Port ${port} (${use}) cannot be used: ${reason === 'EADDRINUSE' ? 'something else listens on it' : reason}.\n` +
        'Choose others: PORT=3100 npm start takes 3100 to 3104.',
    );
  }
};

/** Why a server cannot listen on a port; undefined if it can. */
const reasonAgainst = async (port: number): Promise<unknown> => {
  const server = createServer();
  try {
    await once(server.listen(port, host), 'listening');
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error ? error.code : error;
  }
  await once(server.close(), 'close');
  return undefined;
};

/** Whether a server accepts connections. */
export const isListening = async (port: number): Promise<boolean> => {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

/** @throws StartError for the first emulator that does not run */
export const requireEmulators = async (ports: Ports): Promise<void> => {
  for (const [use, port] of named(ports)) {
    if (port === ports.api || (await isListening(port))) continue;
    throw new StartError(
      `Nothing listens on port ${port} (${use}). Run npm start first, with the same PORT if you set one.`,
    );
  }
};

export const untilListening = async (port: number, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted && !(await isListening(port))) await wait(50);
};
