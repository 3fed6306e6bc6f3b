import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createHttpServer } from '../../containers/http-server.ts';
import { createIntake, type Intake } from '../../containers/intake.ts';
import type { Log } from '../../lambdas/runtime/log.ts';
import { RequestError } from '../../lambdas/runtime/request-error.ts';
import { until } from '../local/local-run.ts';

jest.setTimeout(60_000);

const maxBytes = 100_000;
const maxBytesInHand = 300_000;

let intake: Intake;
let server: Server;
let port: number;
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() } satisfies Log;
const sockets = new Set<Socket>();

beforeEach(async () => {
  intake = createIntake({ maxBytesInHand });
  server = createHttpServer({
    fetch: async (request) => {
      try {
        return await intake.withBody(
          request,
          { maxBytes, detailOf: () => 'too large' },
          async (body) => new Response(String(body.byteLength)),
        );
      } catch (error) {
        if (error instanceof RequestError) return new Response(error.code, { status: 499 });
        throw error;
      }
    },
    stage: 'dev',
    log,
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  port = address.port;
  log.info.mockClear();
});

afterEach(async () => {
  for (const timer of timers) clearInterval(timer);
  timers.clear();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

interface Sender {
  readonly write: (data: string | Buffer) => void;
  readonly reply: () => string;
  readonly hasEnded: () => boolean;
  readonly destroy: () => void;
}

/** A raw connection. */
const open = (head = ''): Sender => {
  const socket = connect(port, '127.0.0.1');
  sockets.add(socket);
  let reply = '';
  let hasEnded = false;
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    reply += chunk;
  });
  socket
    .on('error', () => {})
    .once('close', () => {
      hasEnded = true;
    });
  socket.write(head);
  return {
    write: (data) => {
      if (!hasEnded) socket.write(data);
    },
    reply: () => reply,
    hasEnded: () => hasEnded,
    destroy: () => socket.destroy(),
  };
};
const upload = (length: number, headers = ''): Sender =>
  open(`POST /dev/upload_image HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n${headers}\r\n`);
const chunked = (): Sender =>
  open('POST /dev/upload_image HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
const chunk = (bytes: number): string => `${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n`;

const held = (bytes: number) =>
  until(`${bytes} bytes in hand`, () => intake.bytesInHand() === bytes || undefined, 10_000);
const timers = new Set<NodeJS.Timeout>();
const every = (milliseconds: number, send: () => void): void => {
  timers.add(setInterval(send, milliseconds));
};
const ended = (what: string, senders: readonly Sender[], milliseconds = 8000) =>
  until(what, () => senders.every((sender) => sender.hasEnded()) || undefined, milliseconds);

describe('a sender without progress is cut off, and its memory is released', () => {
  test.each<[string, () => Sender]>([
    [
      'stops one byte short',
      () => {
        const sender = upload(50_000);
        sender.write(Buffer.alloc(49_999));
        return sender;
      },
    ],
    [
      'stops in the middle of a chunk',
      () => {
        const sender = chunked();
        sender.write(`${chunk(40_000)}4000\r\nabc`);
        return sender;
      },
    ],
    [
      'never ends its chunks',
      () => {
        const sender = chunked();
        sender.write(chunk(40_000));
        return sender;
      },
    ],
    ['stops after the headers', () => upload(50_000)],
    ['expects 100-continue, and sends nothing', () => upload(50_000, 'Expect: 100-continue\r\n')],
    [
      'sends a byte a second',
      () => {
        const sender = upload(50_000);
        sender.write(Buffer.alloc(30_000));
        every(1000, () => sender.write('x'));
        return sender;
      },
    ],
    [
      'sends many chunks of one byte, too slowly',
      () => {
        const sender = chunked();
        sender.write(chunk(30_000));
        every(100, () => sender.write(chunk(1).repeat(50)));
        return sender;
      },
    ],
  ])('that %s', async (_, start) => {
    const sender = start();
    await until('the refusal', () => /upload-too-slow/.test(sender.reply()) || undefined, 8000);
    expect(intake.bytesInHand()).toBe(0);
    await ended('the end of the connection', [sender], 3000);
    expect(log.info).toHaveBeenCalledWith(
      'request answered',
      expect.objectContaining({ route: 'POST /upload_image', status: 499 }),
    );
  });

  test('that disconnects', async () => {
    const senders = [upload(50_000), chunked()];
    senders[0]?.write(Buffer.alloc(20_000));
    senders[1]?.write(chunk(20_000));
    await held(40_000);
    for (const sender of senders) sender.destroy();
    await held(0);
  });

  test('that exceeds the limit', async () => {
    const sender = chunked();
    for (let sent = 0; sent < 120_000; sent += 40_000) sender.write(chunk(40_000));
    await until('the refusal', () => /body-too-large/.test(sender.reply()) || undefined);
    expect(intake.bytesInHand()).toBe(0);
    await ended('the end of the connection', [sender], 4000);
  });
});

test('a sender as slow as a bad mobile connection, with a pause of two seconds, is not cut off', async () => {
  const sender = upload(70_000);
  for (let sent = 0; sent < 70_000; sent += 1000) {
    // The phone changes the cell.
    if (sent === 40_000) await sleep(2000);
    sender.write(Buffer.alloc(1000));
    await sleep(90);
  }
  await until('the reply', () => sender.reply().endsWith('70000') || undefined, 5000);
});

describe('when the memory is full', () => {
  const steadily = (sender: Sender, bytesPerSecond: number): void =>
    every(100, () => sender.write(Buffer.alloc(bytesPerSecond / 10)));
  const postNow = async (bytes: number) =>
    (
      await fetch(`http://127.0.0.1:${port}/dev/upload_image`, { method: 'POST', body: Buffer.alloc(bytes) })
    ).text();

  test('the slowest senders are cut off for a new one, although all are above the minimum', async () => {
    // GIVEN three senders that fill the memory at different rates
    const senders = [4500, 7000, 10_000].map((pace) => {
      const sender = upload(maxBytes);
      sender.write(Buffer.alloc(80_000));
      steadily(sender, pace);
      return sender;
    });
    await sleep(1400);
    expect(intake.bytesInHand()).toBeGreaterThan(255_000);
    // WHEN
    const answer = await postNow(50_000);
    // THEN
    expect(answer).toBe('50000');
    await until(
      'the slowest one’s refusal',
      () => /overloaded/.test(senders[0]?.reply() ?? '') || undefined,
      2000,
    );
    expect(senders.slice(1).map(({ reply }) => reply())).toEqual(['', '']);
  });

  test('senders that stop one byte short block others for at most two seconds', async () => {
    const stalled = Array.from({ length: 3 }, () => {
      const sender = upload(maxBytes);
      sender.write(Buffer.alloc(maxBytes - 1));
      return sender;
    });
    await held(3 * (maxBytes - 1));
    const startedAt = performance.now();
    await until('free memory', async () => (await postNow(50_000)) === '50000' || undefined, 3000);
    expect(performance.now() - startedAt).toBeLessThan(3000);
    await ended('the end of the stalled senders', stalled);
    await held(0);
  });

  test('a large declared length alone cuts off no other sender', async () => {
    const slow = Array.from({ length: 3 }, () => {
      const sender = upload(maxBytes);
      sender.write(Buffer.alloc(80_000));
      steadily(sender, 10_000);
      return sender;
    });
    await sleep(1300);
    const idle = Array.from({ length: 5 }, () => upload(maxBytes));
    await sleep(300);
    expect(slow.map(({ reply }) => reply())).toEqual(['', '', '']);
    for (const sender of [...slow, ...idle]) sender.destroy();
    await held(0);
  });

  test('fast senders are not cut off, and the new one gets an error', async () => {
    const fast = Array.from({ length: 3 }, () => {
      const sender = upload(maxBytes);
      sender.write(Buffer.alloc(maxBytes - 1));
      return sender;
    });
    await held(3 * (maxBytes - 1));
    expect(await postNow(1000)).toBe('overloaded');
    for (const sender of fast) sender.write('x');
    await until(
      'their replies',
      () => fast.every(({ reply }) => reply().endsWith(`${maxBytes}`)) || undefined,
    );
    await held(0);
  });
});

test('a body in chunks of one byte arrives unchanged, and takes the memory of its bytes only', async () => {
  const sent = Buffer.from(Array.from({ length: maxBytes }, (_, index) => index % 251));
  let bodies = 0;
  const bodyOf = await new Promise<Uint8Array>((resolve) => {
    const stream = ReadableStream.from(
      (function* () {
        for (const byte of sent) yield Uint8Array.of(byte);
      })(),
    );
    const request = new Request('http://x', { method: 'POST', body: stream, duplex: 'half' });
    void intake.withBody(request, { maxBytes, detailOf: () => '' }, async (body) => {
      bodies += 1;
      expect(intake.bytesInHand()).toBe(maxBytes);
      resolve(body);
    });
  });
  expect(bodies).toBe(1);
  expect(sent.equals(bodyOf)).toBe(true);
  await held(0);
});

test('headers that are too slow end the connection', async () => {
  const senders = [open('POST /dev/upload_image HTTP/1.1\r\nHost: x\r\nX-Half: '), open('')];
  every(1000, () => senders[0]?.write('x'));
  await ended('the end of both', senders, 15_000);
});

test('a client gets the whole reply while its refused body is still arriving, and the connection ends soon', async () => {
  const sender = upload(99_999_999, 'Connection: close\r\n');
  every(50, () => sender.write(Buffer.alloc(1000)));
  await until('the reply', () => sender.reply().endsWith('body-too-large') || undefined, 2000);
  await ended('the end of the connection', [sender], 4000);
});

test('a request is logged as one line with its route, without query and path', async () => {
  const id = 'a'.repeat(64);
  await fetch(`http://127.0.0.1:${port}/dev/images/${id}?X-Notify-Email=me@example.com`, {
    headers: { 'X-Forwarded-For': '203.0.113.7, 198.51.100.9' },
  });
  await fetch(`http://127.0.0.1:${port}/me@example.com`, {
    headers: { 'X-Forwarded-For': 'me@example.com' },
  });
  await fetch(`http://127.0.0.1:${port}/health`);
  await until('the lines', () => log.info.mock.calls.length === 2 || undefined);
  expect(log.info.mock.calls).toEqual([
    [
      'request answered',
      {
        route: 'GET /images/{id}',
        status: 200,
        responseBytes: expect.any(Number),
        milliseconds: expect.any(Number),
        ip: '198.51.100.9',
      },
    ],
    ['request answered', expect.objectContaining({ route: '-', ip: '127.0.0.1' })],
  ]);
  expect(JSON.stringify(log.info.mock.calls)).not.toMatch(/example\.com|aaaa/);
});

describe('pipelined requests', () => {
  const pipelined = (count: number): Sender => open('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(count));
  const replies = ({ reply }: Sender): number => reply().split('HTTP/1.1 ').length - 1;

  test('are answered when they are few', async () => {
    const sender = pipelined(5);
    await until('the replies', async () => replies(sender) === 5 || undefined);
    expect(sender.hasEnded()).toBe(false);
  });

  test('end only their own connection when they are many', async () => {
    const other = pipelined(1);
    const sender = pipelined(500);
    await until('the end', async () => sender.hasEnded() || undefined);
    expect(replies(sender)).toBeLessThan(500);
    await until('the reply', async () => replies(other) === 1 || undefined);
    expect(other.hasEnded()).toBe(false);
  });
});
