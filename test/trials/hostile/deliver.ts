import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorCode } from '../../../lambdas/ingest/problem.ts';
import { type Answer, codeOf, readAnswer } from './answers.ts';
import type { HostileInput } from './corpus.ts';
import { thumbnailProblems } from './thumbnail.ts';

/** How long an image may take from its first byte to its outcome. */
const answerMilliseconds = 300_000;
const pollMilliseconds = 250;
const maxRetries = 60;

/** The outcome of an input. */
export interface Outcome {
  readonly ended: ErrorCode | 'ready' | 'unanswered' | 'unreadable';
  readonly milliseconds: number;
  /** How often it was refused at capacity and sent again. */
  readonly overloaded: number;
  /** Everything that was wrong; empty if nothing was. */
  readonly problems: readonly string[];
}

/** Sends an input by its route and waits for its outcome. */
export const deliver = async (apiUrl: string, input: HostileInput): Promise<Outcome> => {
  const startedAt = performance.now();
  const left = () => Math.max(1, Math.round(answerMilliseconds - (performance.now() - startedAt)));
  const id = createHash('sha256').update(input.bytes).digest('hex');
  const problems: string[] = [];
  let overloaded = 0;

  const ask = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(`${apiUrl}${path}`, { ...init, signal: AbortSignal.timeout(left()) });
    const answer = await readAnswer(response, id);
    problems.push(...answer.problems);
    if (answer.code !== 'overloaded') return answer;
    const retryAfterSeconds = Number(response.headers.get('Retry-After'));
    if (!(retryAfterSeconds >= 1)) problems.push('overloaded without Retry-After');
    overloaded += 1;
    if (overloaded > maxRetries) throw new Error(`Refused ${overloaded} times at capacity.`);
    await sleep(Math.min(left(), retryAfterSeconds * 1000 || 1000));
    return ask(path, init);
  };

  const post = (): Promise<Answer> =>
    ask('/upload_image', {
      method: 'POST',
      body: Uint8Array.from(input.bytes),
      headers: {
        Prefer: 'wait=20',
        ...(input.contentType === '' ? {} : { 'Content-Type': input.contentType }),
      },
    });

  const putPresigned = async (): Promise<Answer> => {
    const announced = await ask('/uploads', {
      method: 'POST',
      body: JSON.stringify({ sha256: id, bytes: input.bytes.length }),
    });
    const upload = announced.reply?.upload;
    if (upload === undefined) return announced;
    const { method, url, headers } = upload;
    const put = await fetch(url, {
      method,
      headers,
      body: Uint8Array.from(input.bytes),
      signal: AbortSignal.timeout(left()),
    });
    if (!put.ok)
      problems.push(`the presigned PUT replied ${put.status}: ${(await put.text()).slice(0, 300)}`);
    else await put.body?.cancel();
    return announced;
  };

  const ended = async (): Promise<Outcome['ended']> => {
    let answer = input.route === 'post' ? await post() : await putPresigned();
    // A 202 after the longest wait, or an upload straight to S3: poll the record until it is settled.
    while (answer.reply?.status === 'received' && problems.length === 0) {
      await sleep(Math.min(left(), pollMilliseconds));
      answer = await ask(`/images/${id}`);
    }
    const { reply, code } = answer;
    if (reply === undefined) return code ?? 'unreadable';
    if (reply.status === 'received') return 'unreadable';
    if (reply.status === 'failed') return reply.error ? codeOf(reply.error.code) : 'unreadable';
    problems.push(...(await thumbnailProblems(reply, left())));
    return 'ready';
  };

  let outcome: Outcome['ended'];
  try {
    outcome = await ended();
    problems.push(...unexpected(input, outcome));
  } catch (error) {
    outcome = 'unanswered';
    problems.push(`no reply: ${error instanceof Error ? `${error.message} ${error.cause ?? ''}` : error}`);
  }
  return { ended: outcome, milliseconds: Math.round(performance.now() - startedAt), overloaded, problems };
};

/** Codes that no image may fail with while all services work. */
const neverOfAnImage: readonly Outcome['ended'][] = [
  'unreadable',
  'internal-error',
  'processing-failed',
  'original-missing',
  'checksum-mismatch',
  'invalid-request',
  'not-found',
];

const unexpected = ({ must }: HostileInput, ended: Outcome['ended']): readonly string[] => {
  if (neverOfAnImage.includes(ended)) return [`ended as ${ended}`];
  const isAsItMust = must === undefined || (must === 'refused' ? ended !== 'ready' : ended === must);
  return isAsItMust ? [] : [`ended as ${ended} and not as ${must}`];
};
