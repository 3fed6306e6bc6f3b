import { setTimeout } from 'node:timers/promises';
import { type Reply, replySchema, type ShownReply, shownReplySchema } from '../reply.ts';

type Headers = Readonly<Record<string, string>>;

/** A client of a deployed API. It does not follow redirects. */
export interface Api {
  /** The URL of `POST /upload_image`. */
  readonly uploadUrl: string;
  /** Posts an image like the curl command of the README, unless other headers are given. */
  upload(image: Buffer, headers?: Headers): Promise<Response>;
  /** Requests a presigned upload. */
  announce(request: unknown): Promise<Response>;
  /** @param path the part after the stage, with its slash */
  get(path: string, headers?: Headers, method?: 'GET' | 'HEAD'): Promise<Response>;
}

export const createApi = (uploadUrl: string): Api => {
  const url = (path: string) => uploadUrl.replace(/\/upload_image$/, path);
  return {
    uploadUrl,
    upload: (image, headers = {}) =>
      fetch(uploadUrl, {
        method: 'POST',
        headers: { 'Content-Type': 'image/jpg', Accept: '*/*', ...headers },
        body: new Uint8Array(image),
      }),
    announce: (request) =>
      fetch(url('/uploads'), {
        method: 'POST',
        body: typeof request === 'string' ? request : JSON.stringify(request),
      }),
    get: (path, headers = {}, method = 'GET') =>
      fetch(url(path), { method, headers: { Accept: '*/*', ...headers }, redirect: 'manual' }),
  };
};

/** The body of a reply, which must have this status. */
export const replyOf = async (response: Response, status: number): Promise<Reply> => {
  const text = await response.text();
  expect([response.status, text]).toEqual([status, expect.any(String)]);
  return replySchema.parse(JSON.parse(text));
};

export const shownReplyOf = async (response: Response, status: number): Promise<ShownReply> =>
  shownReplySchema.parse(await replyOf(response, status));

/** Uploads an image and waits for its thumbnails. */
export const uploadAndWait = async (api: Api, image: Buffer): Promise<ShownReply> => {
  const reply = await shownReplyOf(await api.upload(image, { Prefer: 'wait=20' }), 200);
  expect(reply.status).toBe('ready');
  return reply;
};

/** The record of an image after it is `ready` or `failed`. */
export const settled = async (api: Api, id: string): Promise<Reply> =>
  eventually(
    async () => replyOf(await api.get(`/images/${id}`), 200),
    ({ status }) => status !== 'received',
  );

/** Checks an error in the form of RFC 9457. */
export const expectProblem = async (
  response: Response,
  problem: { readonly status: number; readonly code: string; readonly field?: string },
  detail: string | RegExp = /\w/,
): Promise<void> => {
  const text = await response.text();
  expect([response.status, response.headers.get('Content-Type'), text]).toEqual([
    problem.status,
    'application/problem+json',
    expect.any(String),
  ]);
  expect(JSON.parse(text)).toEqual({
    title: expect.any(String),
    detail: typeof detail === 'string' ? expect.stringContaining(detail) : expect.stringMatching(detail),
    ...problem,
  });
};

export const secondsUntil = (time: string): number => (Date.parse(time) - Date.now()) / 1000;

/** The bytes behind a presigned URL. */
export const shownAt = async (url: string): Promise<{ bytes: Buffer; headers: Response['headers'] }> => {
  const response = await fetch(url);
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(`The thumbnail's URL replied ${response.status}: ${bytes}`);
  return { bytes, headers: response.headers };
};

/** Reloads a URL until the thumbnail is there, for at most 30 seconds. */
export const eventuallyShownAt = async (url: string): ReturnType<typeof shownAt> => {
  await eventually(
    () => fetch(url, { headers: { Range: 'bytes=0-0' } }),
    ({ status }) => status !== 404,
  );
  return shownAt(url);
};

/** Repeats a request until its reply is right, for at most 30 seconds. @returns the last reply */
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
