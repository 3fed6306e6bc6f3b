import type { Context, Handler } from 'hono';
import { ImageError } from '../image/errors.ts';
import { createGate } from '../runtime/gate.ts';
import type { Log } from '../runtime/log.ts';
import { RequestError } from '../runtime/request-error.ts';
import type { UploadExtension, UploadWish } from '../runtime/upload-extension.ts';
import type { WithBody } from './body.ts';
import { fileOf, isForm } from './form.ts';
import type { Ingest } from './ingest.ts';
import { preferredWaitSeconds, prefers, sendJson } from './negotiation.ts';
import { refuseOtherBody } from './other-body.ts';
import type { ErrorCode } from './problem.ts';
import type { Replies } from './reply.ts';
import { uploadRequestSchema } from './upload-request.ts';
import { parseJson } from './validation.ts';

export interface UploadHandlersProps {
  /** What the sender of a request may use. */
  readonly ingestOf: (c: Context) => Ingest;
  readonly replies: Replies;
  readonly withBody: WithBody;
  readonly extensions: readonly UploadExtension<ErrorCode>[];
  /** The largest body of `POST /upload_image`, in bytes. */
  readonly maxInlineBytes: number;
  /** The largest image that may be uploaded straight to S3, in bytes. */
  readonly maxUploadBytes: number;
  /** How many uploads are stored at a time; the others queue. */
  readonly maxUploadsAtOnce: number;
  /** The path segment that API Gateway puts before every route. */
  readonly stage: string;
  /** Where the caller reaches the API: with the stage, without a trailing slash. */
  readonly apiUrl: (c: Context) => string;
  readonly log: Log;
}

/**
 * How long and how many uploads queue; further ones get 503. An upload that then waits 3 s for another one of
 * the same bytes still ends within the 30 s that API Gateway gives a request.
 */
const queueMilliseconds = 10_000;
const maxQueuedUploads = 1000;

const maxRequestBytes = 10_000;

const megabytes = (bytes: number): string => `${bytes / 1e6} MB`;

export const createUploadHandlers = (props: UploadHandlersProps) => {
  const { ingestOf, replies, withBody, extensions, maxInlineBytes, maxUploadBytes, apiUrl, log } = props;
  const gate = createGate({
    what: 'Uploads',
    places: props.maxUploadsAtOnce,
    maxWaiting: maxQueuedUploads,
    waitMilliseconds: queueMilliseconds,
  });
  const imageLimit = {
    maxBytes: maxInlineBytes,
    detailOf: (bytes: number) =>
      bytes > maxUploadBytes || maxUploadBytes === maxInlineBytes
        ? `The image is too large. At most ${megabytes(maxUploadBytes)} are accepted.`
        : `The image is too large for one request, which takes ${megabytes(maxInlineBytes)}. POST /${props.stage}/uploads takes images of up to ${megabytes(maxUploadBytes)}.`,
  };
  const requestLimit = {
    maxBytes: maxRequestBytes,
    detailOf: () => `The description of an upload may have at most ${maxRequestBytes} bytes.`,
  };

  /** Read first, so that a wish that cannot be fulfilled is refused before anything is stored. */
  const wishesOf = (c: Context): readonly UploadWish[] =>
    extensions.map((extension) => extension.read(c.req.raw)).filter((wish) => wish !== undefined);

  const upload: Handler = async (c) => {
    const ingest = ingestOf(c);
    const wishes = wishesOf(c);
    const uploaded = await withBody(c.req.raw, imageLimit, async (body) => {
      const bytes = await imageOf(c, body);
      return gate.run(() => ingest.upload(bytes, wishes, c.req.header('Content-Digest')));
    });
    log.info('upload accepted', { imageId: uploaded.id, status: uploaded.status, ...uploaded.original });
    const waitSeconds = preferredWaitSeconds(c.req.header('Prefer'));
    const { record, waited } = await ingest.settled(uploaded, waitSeconds ?? 0);
    // A preference may be ignored (RFC 7240): with too many callers waiting, the reply comes immediately and
    // does not claim it.
    if (waitSeconds !== undefined && waited) c.header('Preference-Applied', `wait=${waitSeconds}`);
    if (record.error) throw new ImageError(record.error.code, record.error.detail);

    const reply = await replies.imageReply(record, apiUrl(c));
    if (isForm(c.req.raw) && prefers(c, 'text/html')) return c.redirect(reply.link, 303);
    const status = record.status === 'ready' ? 200 : 202;
    return prefers(c, 'text/plain') ? c.text(`${reply.url}\n`, status) : sendJson(c, reply, status);
  };

  /** The bytes of the image in a body. */
  const imageOf = async (c: Context, body: Uint8Array): Promise<Uint8Array> => {
    if (isForm(c.req.raw)) return fileOf(c.req.raw, body);
    refuseOtherBody(body, c.req.header('Content-Type') ?? '');
    return body;
  };

  const announce: Handler = async (c) => {
    const wishes = wishesOf(c);
    const { sha256, bytes } = await withBody(c.req.raw, requestLimit, async (body) =>
      parseJson(uploadRequestSchema, body),
    );
    if (bytes > maxUploadBytes) {
      const detail = `The image is too large. At most ${megabytes(maxUploadBytes)} are accepted.`;
      throw new RequestError('body-too-large', detail, { field: 'bytes' });
    }
    const announced = await gate.run(() => ingestOf(c).announce(sha256, bytes, wishes));
    const { record, presigned } = announced;
    log.info('upload announced', {
      imageId: record.id,
      status: record.status,
      bytes,
      presigned: presigned !== undefined,
    });
    const reply = await replies.imageReply(record, apiUrl(c));
    return presigned === undefined ? sendJson(c, reply) : sendJson(c, { ...reply, upload: presigned }, 201);
  };

  return { upload, announce };
};
