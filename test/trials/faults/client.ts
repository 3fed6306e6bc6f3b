import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import * as z from 'zod';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { slowTiff } from '../../images.ts';
import { replySchema } from '../../reply.ts';
import type { Random } from '../random.ts';
import { leaksOf } from '../stack.ts';

/** The outcome of one upload with its retries. */
export interface Upload {
  readonly id: string | undefined;
  readonly attempts: number;
  /** How often the reply was a 5xx or missing. */
  readonly refusals: number;
  readonly milliseconds: number;
  /** Replies that no client may get, even if a service fails. */
  readonly problems: readonly string[];
}

export interface UploadProps {
  readonly apiUrl: string;
  readonly image: Buffer;
  /** Whether ingest waits for the thumbnails. @default false */
  readonly waits?: boolean;
  /** @default 12 */
  readonly maxAttempts?: number;
}

/** The timeout of API Gateway. */
const answerMilliseconds = 30_000;

const problemSchema = z.strictObject({
  status: z.int(),
  code: z.enum(['internal-error', 'overloaded']),
  title: z.string(),
  detail: z.string(),
});

/** A picture of noise, which is always a new one. */
export const freshImage = (random: Random): Promise<Buffer> => {
  const size = { width: random.whole(16, 48), height: random.whole(16, 48) };
  return sharp(random.bytes(size.width * size.height * 3), { raw: { ...size, channels: 3 } })
    .png()
    .toBuffer();
};

/** A picture for the slow lane that takes only a fifth of a second. */
export const freshSlowImage = (random: Random): Buffer =>
  slowTiff(random.bytes(8).toString('hex'), { width: 2400, height: 2400 });

/** Posts an image, and retries after a pause if the service fails or does not reply. */
export const uploadUntilAccepted = async (props: UploadProps): Promise<Upload> => {
  const { apiUrl, image, waits = false, maxAttempts = 12 } = props;
  const startedAt = performance.now();
  const problems: string[] = [];
  const refusals: string[] = [];
  const result = (attempts: number, id?: string): Upload => ({
    id,
    attempts,
    refusals: refusals.length,
    milliseconds: performance.now() - startedAt,
    problems,
  });

  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const reply = await post(apiUrl, image, waits);
    if (reply !== undefined && reply.status < 300) {
      const parsed = replySchema.safeParse(reply.body);
      if (parsed.success) return result(attempt, parsed.data.id);
      problems.push(`a reply ${reply.status} of another shape: ${reply.text}`);
    } else if (reply !== undefined) {
      const complaint = complaintAbout(reply);
      if (complaint !== undefined) problems.push(complaint);
      if (reply.status < 500) break;
    }
    refusals.push(`${Math.round(performance.now() - startedAt)} ms: ${reply?.status ?? 'no answer'}`);
    await sleep(Math.min(2000, 250 * 2 ** attempt));
  }
  problems.push(`${imageIdOf(image)} was never accepted (${refusals.join(', ')})`);
  return result(maxAttempts);
};

interface Answer {
  readonly status: number;
  readonly contentType: string | null;
  readonly text: string;
  readonly body: unknown;
}

/** @returns undefined without a reply */
const post = async (apiUrl: string, image: Buffer, waits: boolean): Promise<Answer | undefined> => {
  try {
    const response = await fetch(`${apiUrl}/upload_image`, {
      method: 'POST',
      body: new Uint8Array(image),
      headers: { 'Content-Type': 'image/png', ...(waits ? { Prefer: 'wait=10' } : {}) },
      signal: AbortSignal.timeout(answerMilliseconds),
    });
    const text = await response.text();
    return {
      status: response.status,
      contentType: response.headers.get('Content-Type'),
      text,
      body: response.ok ? JSON.parse(text) : text,
    };
  } catch (error) {
    // A reset or refused connection, or an incomplete or late reply.
    if (error instanceof TypeError || error instanceof DOMException) return undefined;
    throw error;
  }
};

/** What is wrong with the refusal of a valid image, if anything. */
const complaintAbout = ({ status, contentType, text }: Answer): string | undefined => {
  if (status < 500) return `a good image was refused: ${status} ${text}`;
  if (leaksOf(text)) return `a reply that leaks: ${text}`;
  if (contentType !== 'application/problem+json') return `${status} as ${contentType}: ${text}`;
  try {
    const { success, data } = problemSchema.safeParse(JSON.parse(text));
    const expected = data?.code === 'overloaded' ? 503 : 500;
    if (success && data.status === status && status === expected) return undefined;
  } catch {
    // Not JSON.
  }
  return `${status} of another shape: ${text}`;
};
