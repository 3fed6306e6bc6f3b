import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { host, type Ports } from '../../../local/ports.ts';
import type { FaultKind, Moment } from './fault.ts';
import { type OperationName, operationOf, type ServiceName, services } from './operations.ts';

export interface FaultProps {
  readonly operation: OperationName;
  readonly kind: FaultKind;
  readonly moment: Moment;
  /** How many requests it affects, or for how long it affects all requests after the first. */
  readonly lasts: { readonly requests: number } | { readonly milliseconds: number };
}

/** A fault that has been set. */
export interface Fault {
  /** How many requests it has affected. */
  hits(): number;
  /** Whether it is over. */
  isOver(): boolean;
}

/**
 * A proxy between the handlers and the services that forwards every request, except for the faults that are
 * set.
 */
export interface FaultProxy {
  readonly ports: Ports;
  /** Starts a fault. Polls in progress end, so that the next ones meet it. */
  inject(fault: FaultProps): Fault;
  /** Answers the next fetch of one original with 404, which has the effect of a lost event. */
  loseEvent(id: string): void;
  /** Ends every fault, and the connections that they hold open. */
  heal(): void;
  close(): Promise<void>;
}

/** A complete request, and the connection for its reply. */
interface Call {
  readonly service: ServiceName;
  readonly port: number;
  readonly incoming: IncomingMessage;
  readonly body: Buffer;
  readonly outgoing: ServerResponse;
}

interface ActiveFault extends Fault {
  readonly props: FaultProps;
  hit(): void;
}

export const startFaultProxy = async (target: Ports, own: Ports): Promise<FaultProxy> => {
  let faults: readonly ActiveFault[] = [];
  const lostIds = new Set<string>();
  /** Stalled connections on either side. */
  const held = new Set<Socket>();

  /** Replies to long polls. */
  const polls = new Set<Socket>();

  const hold = (...sockets: readonly Socket[]): void => {
    for (const socket of sockets) {
      held.add(socket);
      socket.once('close', () => held.delete(socket));
    }
  };

  const acts: Readonly<Record<FaultKind, (call: Call, moment: Moment) => Promise<void>>> = {
    error: async (call, moment) => {
      if (moment === 'after') await served(call);
      answer(call, services[call.service].error);
    },
    throttle: async (call) => answer(call, services[call.service].throttle),
    timeout: async (call, moment) => {
      if (moment === 'after') await served(call);
      hold(call.incoming.socket);
    },
    reset: async (call, moment) => {
      if (moment === 'after') await served(call);
      call.incoming.socket.resetAndDestroy();
    },
    'half-body': async (call, moment) => {
      if (moment === 'during') {
        const upstream = await sendHalf(call);
        upstream.destroy();
        call.incoming.socket.destroy();
      } else {
        call.incoming.socket.end(firstHalf(await served(call)));
      }
    },
    'stalled-body': async (call, moment) => {
      if (moment === 'during') hold(call.incoming.socket, await sendHalf(call));
      else {
        call.incoming.socket.write(firstHalf(await served(call)));
        hold(call.incoming.socket);
      }
    },
  };

  const handle = async (
    service: ServiceName,
    port: number,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> => {
    const call = { service, port, incoming, outgoing, body: await buffer(incoming) };
    const operation = operationOf(service, {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      target: String(incoming.headers['x-amz-target']),
    });
    if (operation === 'ReceiveMessage') {
      polls.add(incoming.socket);
      outgoing.once('close', () => polls.delete(incoming.socket));
    }
    const fault = faults.find(({ props, isOver }) => props.operation === operation && !isOver());
    if (fault !== undefined) {
      fault.hit();
      await acts[fault.props.kind](call, fault.props.moment);
    } else if (operation === 'GetObject' && lostIds.delete(lastSegment(incoming.url ?? ''))) {
      answer(call, noSuchKey);
    } else {
      pass(call);
    }
  };

  const listen = async (name: Exclude<ServiceName, 'sns'>) => {
    const server = createServer((incoming, outgoing) => {
      // SNS and SQS share a port; only requests to SQS name their target.
      const service = name === 'sqs' && !('x-amz-target' in incoming.headers) ? 'sns' : name;
      // A process that dies during a request or its reply closes the connection.
      handle(service, target[name], incoming, outgoing).catch(() => incoming.socket.destroy());
    });
    await once(server.listen(own[name], host), 'listening');
    return server;
  };
  const [s3, sqs, dynamodb] = await Promise.all([listen('s3'), listen('sqs'), listen('dynamodb')]);

  const heal = (): void => {
    faults = [];
    for (const socket of held) socket.destroy();
  };

  return {
    ports: { ...own, api: target.api, mail: target.mail },
    inject: (props) => {
      const fault = activate(props);
      faults = [...faults, fault];
      if (props.operation === 'ReceiveMessage') for (const poll of polls) poll.destroy();
      return fault;
    },
    loseEvent: (id) => {
      lostIds.add(id);
    },
    heal,
    close: async () => {
      heal();
      for (const server of [s3, sqs, dynamodb]) {
        const closed = once(server.close(), 'close');
        server.closeAllConnections();
        await closed;
      }
    },
  };
};

const activate = (props: FaultProps): ActiveFault => {
  const { lasts } = props;
  let hits = 0;
  let firstHitAt: number | undefined;
  return {
    props,
    hits: () => hits,
    hit: () => {
      hits += 1;
      firstHitAt ??= performance.now();
    },
    isOver: () =>
      'requests' in lasts
        ? hits >= lasts.requests
        : firstHitAt !== undefined && performance.now() - firstHitAt > lasts.milliseconds,
  };
};

const noSuchKey = {
  status: 404,
  contentType: 'application/xml',
  body: '<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>',
};

const lastSegment = (url: string): string => new URL(url, 'http://local').pathname.split('/').at(-1) ?? '';

const answer = (
  { outgoing, incoming }: Call,
  {
    status,
    contentType,
    body,
  }: { readonly status: number; readonly contentType: string; readonly body: string },
): void => {
  outgoing.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) });
  outgoing.end(incoming.method === 'HEAD' ? undefined : body);
};

const ask = ({ port, incoming: { method, url, headers }, body }: Call) =>
  request({ host, port, method, path: url, headers, agent: false }).end(body);

const pass = (call: Call): void => {
  const { incoming, outgoing } = call;
  const upstream = ask(call);
  upstream.on('error', () => incoming.socket.destroy());
  upstream.once('response', (response) => {
    outgoing.writeHead(response.statusCode ?? 500, response.headers);
    response.pipe(outgoing);
    response.once('error', () => incoming.socket.destroy());
  });
  // The poll of a dead process must not receive a message.
  outgoing.once('close', () => upstream.destroy());
};

/** Forwards a request, and returns the raw bytes of the whole reply. */
const served = async (call: Call): Promise<Buffer> => {
  const upstream = ask(call);
  call.outgoing.once('close', () => upstream.destroy());
  const response = await answerTo(upstream);
  const body = await buffer(response);
  const headers = Object.entries({ ...response.headers, 'content-length': String(body.byteLength) })
    .filter(([name]) => !['connection', 'keep-alive', 'transfer-encoding'].includes(name))
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 ${response.statusCode} ${response.statusMessage}\r\n${headers.join('')}\r\n`),
    body,
  ]);
};

const answerTo = (upstream: ReturnType<typeof request>) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    upstream.once('response', resolve);
    upstream.once('error', reject);
  });

/** The whole head and half of the body; without a body, half of the head. */
const firstHalf = (message: Buffer): Buffer => {
  const bodyStart = message.indexOf('\r\n\r\n') + 4;
  const bodyBytes = message.byteLength - bodyStart;
  return message.subarray(
    0,
    bodyBytes > 1 ? bodyStart + Math.floor(bodyBytes / 2) : Math.floor(bodyStart / 2),
  );
};

/** Forwards half of a request, and returns the connection that waits for the rest. */
const sendHalf = async ({ port, incoming, body }: Call): Promise<Socket> => {
  const { method, url, rawHeaders } = incoming;
  const headers = rawHeaders.map((text, index) => text + (index % 2 === 0 ? ': ' : '\r\n'));
  const message = Buffer.concat([Buffer.from(`${method} ${url} HTTP/1.1\r\n${headers.join('')}\r\n`), body]);
  const upstream = connect(port, host);
  upstream.on('error', () => {});
  await once(upstream, 'connect');
  await new Promise((resolve) => upstream.write(firstHalf(message), resolve));
  return upstream;
};
