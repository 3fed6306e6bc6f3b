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
 * Posts on a connection of its own. An answer that comes before the body is sent is read, and ends the sending, as
 * RFC 9112, section 9.5, wants it.
 *
 * @throws Error when the connection breaks without an answer, or none comes
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
      // One that is not kept: nothing of a refusal may be lost because its connection ends with it.
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
    outgoing.once('timeout', () => outgoing.destroy(new Error(`No answer in ${limitMilliseconds} ms.`)));
    // Of no effect once there is an answer.
    outgoing.on('error', reject);
    Readable.from(chunksOf(body)).pipe(outgoing);
  });

/** Posts again as often as it is told to, each time after the pause that it is told. */
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

/** Does so many tasks, no more than `atOnce` of them at a time. */
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
