import { ImageError } from '../image/errors.ts';

export interface IntakeProps {
  /** Bytes of bodies that are held at once. @default - no limit: a gateway in front of this service sets one */
  readonly maxBytesInHand?: number;
}

export interface BodyLimit {
  readonly maxBytes: number;
  /** What the sender of a larger body is told. */
  readonly explain: () => string;
}

/** @throws ImageError `body-too-large` */
export const requireWithin = ({ maxBytes, explain }: BodyLimit, bytes: number): void => {
  if (bytes > maxBytes) throw new ImageError('body-too-large', explain());
};

/**
 * Reads bodies from the network into memory. Memory is what a slow sender costs the others, so each sender must make
 * progress, and when the memory is full the slowest senders lose their place first.
 */
export interface Intake {
  /**
   * Reads a body and hands it on exactly as it was sent. Its bytes count as held until `use` has ended.
   *
   * @throws ImageError `body-too-large`, `upload-too-slow`, `overloaded`, or `invalid-request` for half a body
   */
  withBody<Result>(
    request: Request,
    limit: BodyLimit,
    use: (body: Uint8Array) => Promise<Result>,
  ): Promise<Result>;
  /** How many bytes of bodies are held now. */
  bytesInHand(): number;
}

/** How often the senders' progress is looked at. */
const tickSeconds = 0.25;

/** A sender that is younger is not judged: connections start slowly. */
const graceSeconds = 2;

/**
 * What each sender must bring, and over which time it is measured. A phone with a bad 2G connection (EDGE) sends 10 KiB/s and more,
 * and may stop for two seconds when it changes the cell or a packet is lost: that is still enough. A body of more than
 * 120 KB that is slower does not arrive within the 30 s that a request has anyway. More need not be asked of all:
 * when the memory is full the next limit decides.
 */
const minBytesPerSecond = 4 * 1024;
const windowSeconds = 3;

/**
 * Who gives way when the memory is full: the slowest of those that brought less than this over the last second. A photo
 * of 4 MB takes 16 s at this rate. So neither dripping bytes just above the minimum keeps others out, nor does a
 * body of which only the last byte is missing.
 */
const pressureBytesPerSecond = 256 * 1024;
const pressureSeconds = 1;

/** The first buffer of a body that arrives in pieces. */
const firstBufferBytes = 4096;

/**
 * The buffer of a body, or one of twice its size that begins with the same bytes. Pieces are not kept: an object for each
 * byte would take a hundred times the memory that is counted. Nor is the announced length allocated at once: it may never
 * arrive.
 */
const withRoomFor = (
  body: Uint8Array,
  bytes: number,
  moreBytes: number,
  announcedBytes: number,
): Uint8Array => {
  const needed = bytes + moreBytes;
  if (needed <= body.byteLength) return body;
  const doubled = Math.max(needed, 2 * body.byteLength, firstBufferBytes);
  const larger = Buffer.allocUnsafeSlow(
    needed <= announcedBytes ? Math.min(doubled, announcedBytes) : doubled,
  );
  larger.set(body.subarray(0, bytes));
  return larger;
};

const ticksOf = (seconds: number): number => seconds / tickSeconds;

/** A body on its way in. */
interface Sender {
  /** Bytes in each of the latest ticks, the last one still running. */
  readonly recent: number[];
  ticks: number;
  heldBytes: number;
  /** Set once it was cut off. */
  failure: ImageError | undefined;
  stopReading: () => void;
}

/** Bytes a second over the latest whole ticks and the one that is running. */
const rateOf = ({ recent, ticks }: Sender, seconds: number): number => {
  const count = Math.min(ticks, ticksOf(seconds));
  const bytes = recent.slice(-count - 1).reduce((sum, each) => sum + each, 0);
  return bytes / (count * tickSeconds);
};

export const createIntake = ({ maxBytesInHand = Number.POSITIVE_INFINITY }: IntakeProps): Intake => {
  let bytesInHand = 0;
  const senders = new Set<Sender>();
  let timer: NodeJS.Timeout | undefined;

  const release = (sender: Sender): void => {
    bytesInHand -= sender.heldBytes;
    sender.heldBytes = 0;
  };

  const cutOff = (sender: Sender, failure: ImageError): void => {
    senders.delete(sender);
    sender.failure = failure;
    release(sender);
    sender.stopReading();
  };

  /**
   * Time is counted in ticks, not by the clock: while this process itself was busy or suspended no sender could make
   * progress, and all of that is one tick.
   */
  const tick = (): void => {
    for (const sender of senders) {
      sender.ticks += 1;
      if (sender.ticks >= ticksOf(graceSeconds) && rateOf(sender, windowSeconds) < minBytesPerSecond) {
        cutOff(
          sender,
          new ImageError(
            'upload-too-slow',
            `A body must bring ${minBytesPerSecond} bytes a second. Please try again over a better connection.`,
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

  const givesWay = (sender: Sender): boolean =>
    sender.ticks >= ticksOf(pressureSeconds) && rateOf(sender, pressureSeconds) < pressureBytesPerSecond;

  const overloaded = (): ImageError =>
    new ImageError('overloaded', `${bytesInHand} bytes are being taken in. Please try again.`);

  /** Room that is announced and not used must cost nobody a place: here nobody is cut off yet. */
  const requireRoomToCome = (bytes: number): void => {
    if (bytesInHand + bytes <= maxBytesInHand) return;
    let bytesToGive = 0;
    for (const sender of senders) if (givesWay(sender)) bytesToGive += sender.heldBytes;
    if (bytesInHand + bytes - bytesToGive > maxBytesInHand) throw overloaded();
  };

  const makeRoomFor = (newcomer: Sender, bytes: number): void => {
    if (bytesInHand + bytes <= maxBytesInHand) return;
    const slowestFirst = [...senders]
      .filter((sender) => sender !== newcomer && sender.heldBytes > 0 && givesWay(sender))
      .map((sender) => ({ sender, rate: rateOf(sender, pressureSeconds) }))
      .sort((one, other) => one.rate - other.rate);
    const bytesToGive = slowestFirst.reduce((sum, { sender }) => sum + sender.heldBytes, 0);
    // If all of them are not enough, none of them gives way.
    if (bytesInHand + bytes - bytesToGive > maxBytesInHand) throw overloaded();
    for (const { sender } of slowestFirst) {
      cutOff(
        sender,
        new ImageError('overloaded', 'Too many uploads at once, and this one is slow. Please try again.'),
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
    announcedBytes: number,
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
      if (bytes === 0 && value.byteLength === announcedBytes) {
        body = value;
      } else {
        body = withRoomFor(body, bytes, value.byteLength, announcedBytes);
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
      requireRoomToCome(length);
      const reader = request.body?.getReader();
      if (reader === undefined) return use(new Uint8Array());
      const stopReading = (): void => {
        // That the stream breaks off is no news: who stops it says why by itself.
        reader.cancel().catch(() => {});
      };
      const sender = begin(stopReading);
      try {
        let body: Uint8Array;
        try {
          body = await read(sender, reader, length, limit);
        } catch (cause) {
          stopReading();
          if (cause instanceof ImageError) throw cause;
          throw new ImageError('invalid-request', 'The body did not arrive as a whole.', { cause });
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
