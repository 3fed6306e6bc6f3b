/**
 * A request as a client sends it, with its path below the API's URL. `<image>` stands for the image as the
 * body.
 */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  /** @default - none */
  readonly headers?: Readonly<Record<string, string>>;
  /** @default - none */
  readonly body?: string;
}

/** A request with its body as bytes. */
export interface ByteRequest extends Omit<ApiRequest, 'body'> {
  readonly body: Buffer;
}

/** The parts of a reply that belong to the contract. */
export interface ApiReply {
  readonly status: number;
  /** Only those of `contractHeaders`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends a request to a target. */
export type Send = (request: ByteRequest) => Promise<ApiReply>;

/** Other headers may differ between servers. */
const contractHeaders = [
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-expose-headers',
  'access-control-max-age',
  'allow',
  'cache-control',
  'content-type',
  'link',
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

/** Values that differ between targets and runs. */
export interface Differences {
  readonly apiUrl: string;
  readonly s3Url: string;
  /** The id of the request's image. */
  readonly imageId: string;
}

/** The SHA-256 in an id, in the base64 of S3. */
const checksumOf = (imageId: string): string => Buffer.from(imageId, 'hex').toString('base64');

/** Replaces signatures, times and upload ids by placeholders, also in the examples of the description. */
export const withoutTimes = (text: string): string =>
  text
    .replaceAll(/\?X-Amz-[^"\s]*/g, '?<signed>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/"x-amz-meta-upload-id":"[0-9a-f-]{36}"/g, '"x-amz-meta-upload-id":"<upload>"')
    // A presigned URL works for an hour; a redirect is cached for a minute less.
    .replace(/max-age=35[1-4]\d$/, 'max-age=<59 minutes>');

/** A wait until midnight differs each time. */
export const withoutWait = (seconds: string): string => (Number(seconds) > 60 ? '<until midnight>' : seconds);

/** Replaces hosts and the image as well. */
export const comparable = (text: string, { apiUrl, s3Url, imageId }: Differences): string =>
  withoutTimes(text)
    .replaceAll(apiUrl, '<api>')
    .replaceAll(s3Url, '<s3>')
    .replaceAll(imageId, '<id>')
    .replaceAll(checksumOf(imageId), '<checksum>');

/** Puts the bytes of an image into a body of text, as often as it asks for them. */
const withImage = (body: string, image: Buffer): Buffer =>
  Buffer.concat(
    body.split('<image>').flatMap((text, index) => [...(index > 0 ? [image] : []), Buffer.from(text)]),
  );

/** Replaces the placeholders of a request by an image and its id. */
export const about = (request: ApiRequest, image: Buffer, imageId: string): ByteRequest => {
  const { path, headers = {}, body = '' } = request;
  return {
    ...request,
    path: path.replaceAll('<id>', imageId),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        value.replace('<checksum>', checksumOf(imageId)),
      ]),
    ),
    body: withImage(body.replaceAll('<id>', imageId), image),
  };
};
