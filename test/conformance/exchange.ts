/** A request as a client sends it, its path below the API's URL. The body `<image>` is the image that it is about. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  /** @default - none */
  readonly headers?: Readonly<Record<string, string>>;
  /** @default - none */
  readonly body?: string;
}

/** One whose body may be an image. */
export interface ByteRequest extends Omit<ApiRequest, 'body'> {
  readonly body: Buffer;
}

/** As much of an answer as is part of the contract. */
export interface ApiReply {
  readonly status: number;
  /** Those of `contractHeaders` that are there. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends a request to one of the ways in which the service runs. */
export type Send = (request: ByteRequest) => Promise<ApiReply>;

/** Everything else that an answer has in its head is the server's own affair. */
const contractHeaders = [
  'allow',
  'cache-control',
  'content-type',
  'location',
  'preference-applied',
  'retry-after',
  'www-authenticate',
];

export const contractHeadersOf = (
  headers: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    contractHeaders.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])),
  );

/** What differs although nothing is wrong. */
export interface Differences {
  readonly apiUrl: string;
  readonly s3Url: string;
  /** Of the image that the request is about. */
  readonly imageId: string;
}

/** The SHA-256 that is an image's id as S3 spells it. */
const checksumOf = (imageId: string): string => Buffer.from(imageId, 'hex').toString('base64');

/** Names signatures, times and the ids of uploads instead of telling them: in an answer, and where the description has them as an example. */
export const withoutTimes = (text: string): string =>
  text
    .replaceAll(/\?X-Amz-[^"\s]*/g, '?<signed>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/"x-amz-meta-upload-id":"[0-9a-f-]{36}"/g, '"x-amz-meta-upload-id":"<upload>"')
    // A presigned URL works for an hour, and a redirect may be cached a minute less.
    .replace(/max-age=35[1-4]\d$/, 'max-age=<59 minutes>');

/** A wait until the next day begins is another one each time. */
export const withoutWait = (seconds: string): string => (Number(seconds) > 60 ? '<until midnight>' : seconds);

/** Names hosts and the image as well. Everything else stays as it is. */
export const comparable = (text: string, { apiUrl, s3Url, imageId }: Differences): string =>
  withoutTimes(text)
    .replaceAll(apiUrl, '<api>')
    .replaceAll(s3Url, '<s3>')
    .replaceAll(imageId, '<id>')
    .replaceAll(checksumOf(imageId), '<checksum>');

/** The other way round, for a request: `<id>` in it, and `<image>` as its body, become those of the image. */
export const about = (request: ApiRequest, image: Buffer, imageId: string): ByteRequest => {
  const { path, body = '' } = request;
  return {
    ...request,
    path: path.replaceAll('<id>', imageId),
    body: body === '<image>' ? image : Buffer.from(body.replaceAll('<id>', imageId)),
  };
};
