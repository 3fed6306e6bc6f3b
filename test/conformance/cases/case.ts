import type { ImageErrorCode } from '../../../lambdas/image/errors.ts';
import { type ErrorCode, problemKinds } from '../../../lambdas/ingest/problem.ts';
import type { ApiReply, ApiRequest } from '../exchange.ts';

/** The state of the image before the request. Its original is stored only if it is `received`. */
export type Before =
  | { readonly status: 'received' | 'ready' | 'unreadable' | 'deleting' | 'deleted' }
  /** It has as many recipients today as it may have. */
  | { readonly status: 'mailed' }
  | { readonly status: 'failed'; readonly code: ImageErrorCode; readonly detail: string };

/** A request and the reply to it, the same from every target. `<id>` stands for the image's id. */
export interface Case {
  readonly name: string;
  /** Each run of the case marks it with `markBytes` more bytes. @default - a small JPEG */
  readonly image?: Buffer;
  /** @default - the image is unknown */
  readonly before?: Before;
  readonly request: ApiRequest;
  readonly reply: ApiReply;
}

/** So many bytes make the image of one run differ from those of the others. */
export const markBytes = 2;

/** The settings of all targets. */
export const limits = { maxInlineBytes: 100_000, maxUploadBytes: 5_000_000 };

/** Pages of this origin may use the API. */
export const appOrigin = 'https://app.example.com';

/** The record of an image that is `ready` without having been resized. */
export const finished = {
  original: { bytes: 999, contentType: 'image/jpeg', width: 60, height: 40 },
  thumbnail: { contentType: 'image/webp', width: 60, height: 40, bytes: 99 },
  thumbhash: '3OcRJYB4d3h/iIeHeEh3eIhw+j2w',
};

export const json = { 'content-type': 'application/json' };
export const noStore = { 'cache-control': 'no-store' };

export const url = '<s3>/thumbnail-images/thumbnails/<id>/thumbnail/v2-320x320-inside-q80.webp?<signed>';
export const shown = { url, expiresAt: '<time>' };
export const link = '<api>/thumbnails/<id>';

/** The reply about a pending image. */
export const received = (original: object) => ({
  id: '<id>',
  status: 'received',
  link,
  original,
  ...shown,
  thumbnails: { thumbnail: { url, contentType: 'image/webp' } },
});
export const receivedJpeg = (bytes: number) => received({ bytes, contentType: 'image/jpeg' });

export const ready = {
  id: '<id>',
  status: 'ready',
  link,
  original: finished.original,
  ...shown,
  thumbnails: { thumbnail: { url, ...finished.thumbnail } },
  thumbhash: finished.thumbhash,
};

export const jsonReply = (
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): ApiReply => ({
  status,
  headers: { ...headers, ...json },
  body: `${JSON.stringify(body)}\n`,
});

export const problem = (
  status: number,
  code: ErrorCode,
  detail: string,
  {
    field,
    headers = {},
  }: { readonly field?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): ApiReply => ({
  status,
  headers: { ...headers, 'content-type': 'application/problem+json' },
  body: `${JSON.stringify({ status, title: problemKinds[code].title, code, detail, field })}\n`,
});

/** The reply about an image whose deletion does not end. */
export const deleting = problem(
  503,
  'deletion-in-progress',
  'The image is being deleted. Upload it again in a few seconds.',
  { headers: { 'retry-after': '5' } },
);

export const upload = ({
  image,
  headers,
  query = '',
  body = '<image>',
}: {
  readonly image?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
  /** @default - the image */
  readonly body?: string;
} = {}): Pick<Case, 'image' | 'request'> => ({
  image,
  request: {
    method: 'POST',
    path: `/upload_image${query}`,
    headers: { 'Content-Type': 'image/jpg', ...headers },
    body,
  },
});

export const announce = (
  body: object | string,
  headers: Readonly<Record<string, string>> = {},
): ApiRequest => ({
  method: 'POST',
  path: '/uploads',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

export const get = (path: string, headers: Readonly<Record<string, string>> = {}): ApiRequest => ({
  method: 'GET',
  path,
  headers,
});
export const head = (path: string): ApiRequest => ({ method: 'HEAD', path });

/** The codes of failed images. */
export const failures = [
  'unsupported-type',
  'image-too-large',
  'image-corrupt',
  'decode-timeout',
  'decode-memory',
  'checksum-mismatch',
  'processing-failed',
] as const satisfies readonly ImageErrorCode[];

/** Codes that do not follow from the bytes alone: a new upload retries the image. */
export const retriedFailures: readonly ImageErrorCode[] = [
  'decode-timeout',
  'decode-memory',
  'processing-failed',
];

export const failed = (code: ImageErrorCode): Before => ({
  status: 'failed',
  code,
  detail: 'It is <not> valid.',
});
