import { type BodyLimit, requireWithin, type WithBody } from '../lambdas/ingest/body.ts';
import { RequestError } from '../lambdas/runtime/request-error.ts';

export interface IntakeProps {
  /** Bytes of bodies that are held in memory at a time. */
  readonly maxBytesInHand: number;
}

/**
 * Reads bodies from the network into memory. A slow sender occupies memory that others need, so each sender
 * must make progress, and when the memory is full the slowest senders are cut off first.
 */
export interface Intake {
  /**
   * Reads a body. Its bytes count as held until `use` has ended.
   *
   * @throws RequestError `body-too-large`, `upload-too-slow`, `overloaded`, `invalid-request` when incomplete
   */
  readonly withBody: WithBody;
  /** Bytes of bodies that are held now. */
  bytesInHand(): number;
}

/** How often the progress of all senders is checked. */
const tickSeconds = 0.25;

/** Younger senders are not checked: connections start slowly. */
const graceSeconds = 2;

/**
 * The slowest accepted rate, over this window. A phone on a bad 2G connection (EDGE) sends 10 KiB/s and may
 * pause for two seconds when it changes the cell: that is still enough. A slower body of more than 120 KB
 * would not arrive within the 30 s of a request anyway.
 */
const minBytesPerSecond = 4 * 1024;
const windowSeconds = 3;

/**
 * When the memory is full, senders below this rate over the last second may be cut off, the slowest first. A
 * photo of 4 MB takes 16 s at this rate. So neither a rate just above the minimum nor a missing last byte
 * blocks other senders.
 */
const pressureBytesPerSecond = 256 * 1024;
const pressureSeconds = 1;

/** The first buffer of a body that arrives in chunks. */
const firstBufferBytes = 4096;

/**
 * The buffer of a body, or one of twice its size with the same beginning. Chunks are not kept: an object for
 * each byte would take a hundred times the memory that is counted. Nor is the declared length allocated at
 * once: it may never arrive.
 */
const withRoomFor = (
  body: Uint8Array,
  bytes: number,
  moreBytes: number,
  declaredBytes: number,
): Uint8Array => {
  const needed = bytes + moreBytes;
  if (needed <= body.byteLength) return body;
  const doubled = Math.max(needed, 2 * body.byteLength, firstBufferBytes);
  const larger = Buffer.allocUnsafeSlow(needed <= declaredBytes ? Math.min(doubled, declaredBytes) : doubled);
  larger.set(body.subarray(0, bytes));
  return larger;
};

const ticksOf = (seconds: number): number => seconds / tickSeconds;

/** A body that is being received. */
interface Sender {
  /** Bytes of each of the latest ticks; the last one is still running. */
  readonly recent: number[];
  ticks: number;
  heldBytes: number;
  /** Set when the sender is cut off. */
  failure: RequestError | undefined;
  stopReading: () => void;
}

/** Bytes per second over the latest complete ticks and the running one. */
const rateOf = ({ recent, ticks }: Sender, seconds: number): number => {
  const count = Math.min(ticks, ticksOf(seconds));
  const bytes = recent.slice(-count - 1).reduce((sum, each) => sum + each, 0);
  return bytes / (count * tickSeconds);
};

export const createIntake = ({ maxBytesInHand }: IntakeProps): Intake => {
  let bytesInHand = 0;
  const senders = new Set<Sender>();
  let timer: NodeJS.Timeout | undefined;

  const release = (sender: Sender): void => {
    bytesInHand -= sender.heldBytes;
    sender.heldBytes = 0;
  };

  const cutOff = (sender: Sender, failure: RequestError): void => {
    senders.delete(sender);
    sender.failure = failure;
    release(sender);
    sender.stopReading();
  };

  /**
   * Time is counted in ticks, not by the clock: while this process was busy or suspended, no sender could
   * make progress, and all of that time is one tick.
   */
  const tick = (): void => {
    for (const sender of senders) {
      sender.ticks += 1;
      if (sender.ticks >= ticksOf(graceSeconds) && rateOf(sender, windowSeconds) < minBytesPerSecond) {
        cutOff(
          sender,
          new RequestError(
            'upload-too-slow',
            `A body must arrive at ${minBytesPerSecond} bytes per second. Retry over a faster connection.`,
          ),
        );
        continue;
      }
      sender.recent.push(0);
      if (sender.recent.length > ticksOf(windowSeconds) + 1) sender.recent.shift();
    }
  };

  const begin = (stopReading: () => void): Sender => {
    const sender: Sender = { recent: [0], ticks: 0, heldBytes: 0, failure: undefined, stopReading };
    senders.add(sender);
    timer ??= setInterval(tick, tickSeconds * 1000);
    return sender;
  };

  const end = (sender: Sender): void => {
    senders.delete(sender);
    if (senders.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  const isSlow = (sender: Sender): boolean =>
    sender.ticks >= ticksOf(pressureSeconds) && rateOf(sender, pressureSeconds) < pressureBytesPerSecond;

  const overloaded = (): RequestError =>
    new RequestError('overloaded', 'The server is at capacity. Retry later.');

  /** A declared length alone cuts off no other sender: its bytes may never arrive. */
  const requireRoomFor = (bytes: number): void => {
    if (bytesInHand + bytes <= maxBytesInHand) return;
    let slowBytes = 0;
    for (const sender of senders) if (isSlow(sender)) slowBytes += sender.heldBytes;
    if (bytesInHand + bytes - slowBytes > maxBytesInHand) throw overloaded();
  };

  const makeRoomFor = (newcomer: Sender, bytes: number): void => {
    if (bytesInHand + bytes <= maxBytesInHand) return;
    const slowestFirst = [...senders]
      .filter((sender) => sender !== newcomer && sender.heldBytes > 0 && isSlow(sender))
      .map((sender) => ({ sender, rate: rateOf(sender, pressureSeconds) }))
      .sort((one, other) => one.rate - other.rate);
    const slowBytes = slowestFirst.reduce((sum, { sender }) => sum + sender.heldBytes, 0);
    // If cutting off all of them is not enough, none is cut off.
    if (bytesInHand + bytes - slowBytes > maxBytesInHand) throw overloaded();
    for (const { sender } of slowestFirst) {
      cutOff(
        sender,
        new RequestError('overloaded', 'The server is at capacity, and this upload is slow. Retry later.'),
      );
      if (bytesInHand + bytes <= maxBytesInHand) return;
    }
  };

  const hold = (sender: Sender, bytes: number): void => {
    makeRoomFor(sender, bytes);
    bytesInHand += bytes;
    sender.heldBytes += bytes;
    sender.recent[sender.recent.length - 1] = (sender.recent.at(-1) ?? 0) + bytes;
  };

  const read = async (
    sender: Sender,
    reader: ReadableStreamDefaultReader<Uint8Array>,
    declaredBytes: number,
    limit: BodyLimit,
  ): Promise<Uint8Array> => {
    let body: Uint8Array = new Uint8Array();
    let bytes = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (sender.failure !== undefined) throw sender.failure;
      if (done) return body.subarray(0, bytes);
      requireWithin(limit, bytes + value.byteLength);
      hold(sender, value.byteLength);
      if (bytes === 0 && value.byteLength === declaredBytes) {
        body = value;
      } else {
        body = withRoomFor(body, bytes, value.byteLength, declaredBytes);
        body.set(value, bytes);
      }
      bytes += value.byteLength;
    }
  };

  return {
    bytesInHand: () => bytesInHand,

    async withBody(request, limit, use) {
      const length = Number(request.headers.get('Content-Length'));
      requireWithin(limit, length);
      requireRoomFor(length);
      const reader = request.body?.getReader();
      if (reader === undefined) return use(new Uint8Array());
      const stopReading = (): void => {
        // The caller gets the reason from the error, not from the stream.
        reader.cancel().catch(() => {});
      };
      const sender = begin(stopReading);
      try {
        let body: Uint8Array;
        try {
          body = await read(sender, reader, length, limit);
        } catch (cause) {
          stopReading();
          if (cause instanceof RequestError) throw cause;
          throw new RequestError('invalid-request', 'The body is incomplete.', { cause });
        } finally {
          end(sender);
        }
        return await use(body);
      } finally {
        release(sender);
      }
    },
  };
};
