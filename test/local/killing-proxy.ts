import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { host, type Ports } from '../../local/ports.ts';

/** Before a write reaches the emulator, or after it has been made but before its reply reaches the client. */
export type Moment = 'before' | 'after';

/**
 * Stands between a process and the emulators, and kills the process at one of its writes. From then on no
 * request of the process reaches an emulator.
 */
export interface KillingProxy {
  readonly ports: Ports;
  /** @param write counted from now, starting at 1 */
  killAt(write: number, moment: Moment): void;
  /** The write at which the process was killed. */
  killedAt(): string | undefined;
  /** The writes since `killAt` whose reply reached the process. */
  answered(): readonly string[];
  close(): Promise<void>;
}

const writes: readonly unknown[] = ['DynamoDB_20120810.UpdateItem', 'AmazonSQS.DeleteMessage'];

/** The name of the operation, if it is a write. */
const writeOf = ({ method, headers }: IncomingMessage): string | undefined => {
  if (method === 'PUT') return 'PutObject';
  // Only SNS uses forms, and its only operation here is Publish.
  if (headers['content-type']?.startsWith('application/x-www-form-urlencoded')) return 'Publish';
  const target = headers['x-amz-target'];
  return writes.includes(target) ? String(target).split('.')[1] : undefined;
};

export const startKillingProxy = async (
  services: Ports,
  /** The proxy's. */
  own: Ports,
  kill: () => void,
): Promise<KillingProxy> => {
  let plan: { readonly write: number; readonly moment: Moment } | undefined;
  let killed: string | undefined;
  let count = 0;
  const answered: string[] = [];

  const pass = (port: number) => (incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (killed !== undefined) {
      outgoing.destroy();
      return;
    }
    const write = plan && writeOf(incoming);
    const isLast = write !== undefined && ++count === plan?.write;
    const killNow = () => {
      killed = write;
      kill();
      outgoing.destroy();
    };
    if (isLast && plan?.moment === 'before') {
      killNow();
      return;
    }
    const { method, url, headers } = incoming;
    const upstream = request({ host, port, method, path: url, headers, agent: false });
    upstream.on('error', () => outgoing.destroy());
    upstream.once('response', (answer) => {
      if (isLast) {
        answer.resume().once('end', killNow);
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    outgoing.once('finish', () => write && answered.push(write));
    // The poll of a process that has ended must not swallow a message.
    outgoing.once('close', () => upstream.destroy());
    incoming.pipe(upstream);
  };

  const servers = await Promise.all(
    (['s3', 'sqs', 'dynamodb'] as const).map(async (name) => {
      const server = createServer(pass(services[name]));
      await once(server.listen(own[name], host), 'listening');
      return server;
    }),
  );
  return {
    ports: { ...own, api: services.api, mail: services.mail },
    killAt: (write, moment) => {
      plan = { write, moment };
    },
    killedAt: () => killed,
    answered: () => answered,
    close: async () => {
      for (const server of servers) {
        const closed = once(server.close(), 'close');
        server.closeAllConnections();
        await closed;
      }
    },
  };
};
