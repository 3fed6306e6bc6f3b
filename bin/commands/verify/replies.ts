import * as z from 'zod';
import { type ImageReply, imageReplySchema } from '../../../lambdas/ingest/image-reply.ts';
import type { HttpReply } from './api.ts';
import type { Context } from './check.ts';
import { NotAsExpected } from './outcome.ts';
import { waitFor } from './wait.ts';

/** A reply with URLs. */
const shownReplySchema = imageReplySchema.required({ url: true });
export type ShownReply = z.output<typeof shownReplySchema>;

const problemSchema = z.object({ code: z.string(), detail: z.string() });

/** The body as JSON; undefined if it is something else. */
const jsonOf = ({ body }: HttpReply): unknown => {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
};

/** The code of an error in the form of the API; undefined for any other reply. */
export const codeOf = (reply: HttpReply): string | undefined =>
  problemSchema.safeParse(jsonOf(reply)).data?.code;

/** What a reply was, for a sentence: `500 internal-error`, or `403 AccessDenied` of S3. */
export const describeReply = (reply: HttpReply): string => {
  const text = reply.body.subarray(0, 1000).toString();
  const [, s3Code] = /<Code>(\w+)<\/Code>/.exec(text) ?? [];
  const what = codeOf(reply) ?? s3Code ?? text.replaceAll(/\s+/g, ' ').trim().slice(0, 100);
  return `${reply.status} ${what}`.trim();
};

/** @throws NotAsExpected for another status */
export const requireStatus = (what: string, reply: HttpReply, ...statuses: readonly number[]): void => {
  if (statuses.includes(reply.status)) return;
  throw new NotAsExpected(`${what} got ${describeReply(reply)}, not ${statuses.join(' or ')}.`);
};

/** @throws NotAsExpected for another status or code */
export const requireProblem = (what: string, reply: HttpReply, status: number, code: string): void => {
  if (reply.status === status && codeOf(reply) === code) return;
  throw new NotAsExpected(`${what} got ${describeReply(reply)}, not ${status} ${code}.`);
};

/** @throws NotAsExpected for another status, or a body that is no image's reply */
export const imageReplyOf = (what: string, reply: HttpReply, ...statuses: readonly number[]): ImageReply => {
  requireStatus(what, reply, ...statuses);
  const { success, data, error } = imageReplySchema.safeParse(jsonOf(reply));
  if (success) return data;
  throw new NotAsExpected(
    `${what} got a body that is not the one of the description: ${z.prettifyError(error)}`,
  );
};

/** Posts an image, which is removed in the end. */
export const post = (
  { api, images }: Pick<Context, 'api' | 'images'>,
  image: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpReply> => {
  images.add(image);
  return api.send('POST', '/upload_image', { headers, body: image });
};

/** The longest that a caller may wait for thumbnails. */
const waitSeconds = 20;
const waiting = { Prefer: `wait=${waitSeconds}` };

/** The record of an image after it is `ready` or `failed`, or after 20 s. */
const settledRecord = ({ api, signal }: Context, id: string): Promise<ImageReply> =>
  waitFor(
    async () => imageReplyOf('GET /images/{id}', await api.send('GET', `/images/${id}`), 200),
    ({ status }) => status !== 'received',
    { timeoutSeconds: waitSeconds, signal },
  );

/** Posts an image and waits for its thumbnails. @throws NotAsExpected unless they are there in time */
export const postAndWait = async (
  context: Context,
  image: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<ShownReply> => {
  const what = 'An upload that waits for its thumbnails';
  const first = imageReplyOf(what, await post(context, image, { ...headers, ...waiting }), 200, 202);
  // Where too many callers wait, others get their reply at once.
  const reply = first.status === 'received' ? await settledRecord(context, first.id) : first;
  if (reply.status === 'ready') return shownReplySchema.parse(reply);
  throw new NotAsExpected(`${what} was ${reply.status} ${reply.error?.code ?? ''} after ${waitSeconds} s.`);
};

/** Posts an image that must fail. @throws NotAsExpected unless it fails with this code */
export const postAndFail = async (
  context: Context,
  what: string,
  image: Buffer,
  code: string,
): Promise<string> => {
  const reply = await post(context, image, waiting);
  if (reply.status !== 202) {
    requireProblem(what, reply, 422, code);
    return describeReply(reply);
  }
  const { status, error } = await settledRecord(context, imageReplyOf(what, reply, 202).id);
  if (status === 'failed' && error?.code === code) return `${status} ${code}`;
  throw new NotAsExpected(`${what} is ${status} ${error?.code ?? ''}, not failed ${code}.`);
};
