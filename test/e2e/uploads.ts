import { setTimeout } from 'node:timers/promises';
import * as z from 'zod';

/** The part of the API's contract that a client relies on. */
export const replySchema = z.object({
  id: z.string(),
  status: z.string(),
  url: z.url(),
  expiresAt: z.iso.datetime(),
  thumbnails: z.record(z.string(), z.object({ url: z.url(), contentType: z.string() })),
  original: z.object({ contentType: z.string(), bytes: z.int() }),
});
export type Reply = z.output<typeof replySchema>;

export const post = (url: string, body: Buffer, accept = '*/*'): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'image/jpg', Accept: accept },
    body: new Uint8Array(body),
  });

export const acceptedReply = async (response: Response): Promise<Reply> => {
  const text = await response.text();
  expect([response.status, text]).toEqual([202, expect.any(String)]);
  return replySchema.parse(JSON.parse(text));
};

export const secondsUntil = (time: string): number => (Date.parse(time) - Date.now()) / 1000;

/** Does what a person does who reloads the page until the thumbnail is there, at most 30 seconds. */
export const thumbnailAt = async (url: string): Promise<{ bytes: Buffer; headers: Headers }> => {
  const response = await eventually(
    () => fetch(url),
    ({ status }) => status !== 404,
  );
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(`The thumbnail's URL answers ${response.status}: ${bytes}`);
  return { bytes, headers: response.headers };
};

/** Asks until the answer is right, at most 30 seconds; gives the last answer. */
export const eventually = async <Answer>(
  ask: () => Promise<Answer>,
  isRight: (answer: Answer) => boolean,
): Promise<Answer> => {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (isRight(answer) || Date.now() > deadline) return answer;
    await setTimeout(200);
  }
};
