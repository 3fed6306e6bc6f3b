import { request } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Answer {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly body: string;
  readonly milliseconds: number;
}

const limitMilliseconds = 60_000;
const chunkBytes = 16_384;

const chunksOf = function* (body: Buffer) {
  for (let start = 0; start < body.byteLength; start += chunkBytes) {
    yield body.subarray(start, start + chunkBytes);
  }
};

/**
 * Posts on a connection of its own. A reply that arrives before the body is sent ends the sending, as in RFC
 * 9112, section 9.5.
 *
 * @throws Error if the connection breaks or times out without a reply
 */
export const post = (
  url: string,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const outgoing = request(url, {
      method: 'POST',
      // Not kept alive: a refusal must arrive completely although it closes its connection.
      agent: false,
      headers: { ...headers, 'Content-Length': body.byteLength },
      timeout: limitMilliseconds,
    });
    outgoing.once('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      incoming.once('error', reject);
      incoming.once('end', () => {
        const retryAfter = incoming.headers['retry-after'];
        resolve({
          status: incoming.statusCode ?? 0,
          retryAfterSeconds: retryAfter === undefined ? undefined : Number(retryAfter),
          body: text,
          milliseconds: performance.now() - startedAt,
        });
        outgoing.destroy();
      });
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error(`No reply in ${limitMilliseconds} ms.`)));
    // Has no effect after a reply.
    outgoing.on('error', reject);
    Readable.from(chunksOf(body)).pipe(outgoing);
  });

/** Posts, and retries after each 503 as `Retry-After` requests. */
export const postUntilTaken = async (
  url: string,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
  maxTries = 100,
): Promise<Answer & { readonly refusals: readonly Answer[] }> => {
  const refusals: Answer[] = [];
  for (;;) {
    const answer = await post(url, body, headers);
    const { status, retryAfterSeconds } = answer;
    if (status !== 503 || retryAfterSeconds === undefined || refusals.length === maxTries - 1) {
      return { ...answer, refusals };
    }
    refusals.push(answer);
    await sleep(retryAfterSeconds * 1000);
  }
};

/** Runs tasks, at most `atOnce` at a time. */
export const inParallel = async (
  count: number,
  atOnce: number,
  task: (number: number) => Promise<void>,
): Promise<void> => {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const number = next;
      next += 1;
      await task(number);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
};
