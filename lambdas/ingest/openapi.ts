import * as z from 'zod';
import { emailAddressSchema } from '../image/email-address.ts';
import type { ErrorCode } from '../image/errors.ts';
import { imageEventSchema } from '../image/event.ts';
import { acceptedTypes } from '../image/original-type.ts';
import { imageReplySchema } from '../image/reply.ts';
import { notifyHeader } from '../notify/mail-request.ts';
import type { Auth, Links } from './auth.ts';
import { problemKinds, problemSchema } from './problem.ts';
import { authOf, routes } from './routes.ts';
import { uploadRequestSchema } from './upload-request.ts';

/** What beyond the schema is refused with a code of its own, `body-too-large`, is described as a limit of it. */
const uploadRequestOf = (maxUploadBytes: number) => {
  const { bytes } = uploadRequestSchema.shape;
  return uploadRequestSchema.extend({ bytes: bytes.max(maxUploadBytes).describe(bytes.description ?? '') });
};

const uploadReplySchema = imageReplySchema.extend({
  upload: z
    .object({
      method: z.literal('PUT'),
      url: z.url(),
      headers: z.record(z.string(), z.string()).describe('To be sent exactly so, all of them'),
      expiresAt: z.iso.datetime(),
    })
    .describe(
      'A request to make with the image as its body. S3 takes only the bytes that were announced, and takes them once: 412 means that the image is stored already, 409 that another upload of it is under way (try again)',
    ),
});

export interface ApiDescriptionProps {
  readonly apiUrl: string;
  readonly maxInlineBytes: number;
  readonly maxUploadBytes: number;
  readonly auth: Auth;
  readonly links: Links;
  /** Whether an upload may ask for a mail. */
  readonly hasMail: boolean;
}

/** The failures that an image may end with; any of them may also be the answer to an upload that waits. */
const imageFailures = [
  'unsupported-type',
  'image-too-large',
  'image-corrupt',
  'decode-timeout',
  'decode-memory',
  'checksum-mismatch',
  'processing-failed',
] as const satisfies readonly ErrorCode[];

const id = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const example = {
  id,
  status: 'ready',
  url: 'https://example-thumbnails.s3.us-east-2.amazonaws.com/thumbnails/9f86…?X-Amz-Signature=…',
  expiresAt: '2026-11-23T21:00:00.000Z',
  link: `https://abc123.execute-api.us-east-2.amazonaws.com/dev/thumbnails/${id}`,
  thumbnails: {
    thumbnail: {
      url: 'https://example-thumbnails.s3.us-east-2.amazonaws.com/thumbnails/9f86…?X-Amz-Signature=…',
      contentType: 'image/webp',
      width: 240,
      height: 320,
      bytes: 11_840,
    },
  },
  original: { contentType: 'image/jpeg', width: 3000, height: 4000, bytes: 1_873_402 },
  thumbhash: '3OcRJYB4d3h/iIeHeEh3eIhw+j2w',
};
const receivedExample = {
  ...example,
  status: 'received',
  thumbnails: { thumbnail: { url: example.url, contentType: 'image/webp' } },
  original: { contentType: 'image/jpeg', bytes: 1_873_402 },
  thumbhash: undefined,
};

const json = (schema: string, value: object) => ({
  'application/json': { schema: { $ref: `#/components/schemas/${schema}` }, example: value },
});

const image = (description: string, value: object = example) => ({
  description,
  content: json('Image', value),
});

/** A reply that tells one of several errors. */
const problem = (status: number, codes: readonly ErrorCode[]) => ({
  description: codes.map((code) => `\`${code}\`: ${problemKinds[code].title}`).join('; '),
  content: {
    'application/problem+json': {
      schema: {
        allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }],
      },
      examples: Object.fromEntries(
        codes.map((code) => [code, { value: { ...problemKinds[code], status, code, detail: '…' } }]),
      ),
    },
  },
});

/** The replies that tell an error, one for each status that the codes have. */
const problems = (...codes: readonly ErrorCode[]) => {
  // Any request may meet these. The first two only where the service serves one machine, as with `npm start`.
  const possible: readonly ErrorCode[] = [...codes, 'unknown-host', 'foreign-origin', 'internal-error'];
  const statuses = new Set(possible.map((code) => problemKinds[code].status));
  return Object.fromEntries(
    [...statuses].map((status) => [
      status,
      problem(
        status,
        possible.filter((code) => problemKinds[code].status === status),
      ),
    ]),
  );
};

const idParameter = {
  name: 'id',
  in: 'path',
  required: true,
  description: "Lower-case hex SHA-256 of the image's bytes",
  schema: { type: 'string', pattern: '^[0-9a-f]{64}$' },
  example: id,
};
const variantParameter = {
  name: 'variant',
  in: 'path',
  required: true,
  description: "A variant's name",
  schema: { type: 'string' },
  example: 'thumbnail',
};
const preferParameter = {
  name: 'Prefer',
  in: 'header',
  required: false,
  description:
    '`wait=N`: answer only when the thumbnails are there, but within N seconds, at most 20 (RFC 7240). Without `Preference-Applied` in the reply too many callers were waiting, and it came at once: ask again later',
  schema: { type: 'string' },
  example: 'wait=10',
};

const schemaOf = (schema: z.ZodType) => {
  const { $schema: _, ...jsonSchema } = z.toJSONSchema(schema);
  return jsonSchema;
};

const notifyPlaces = ['header', 'query'] as const;
const notifyParameter = (place: (typeof notifyPlaces)[number]) => ({
  name: notifyHeader,
  in: place,
  required: false,
  description: 'Who gets a mail once the thumbnails are there, or why there will be none; empty is nobody',
  schema: schemaOf(z.union([emailAddressSchema, z.literal('')])),
  example: 'me@example.com',
});

const html = { 'text/html': { schema: { type: 'string' } } };

/** Answers of both kinds of link. */
const linkResponses = (...notFound: readonly ErrorCode[]) => {
  const received = image(
    'The thumbnail is still being made: ask again after `Retry-After` seconds. A browser gets a page that does so by itself.',
    receivedExample,
  );
  return {
    302: {
      description: 'To a fresh presigned url of the thumbnail',
      headers: {
        Location: { schema: { type: 'string', format: 'uri' } },
        'Cache-Control': { description: 'No longer than the url works', schema: { type: 'string' } },
      },
    },
    202: {
      ...received,
      content: { ...received.content, ...html },
      headers: { 'Retry-After': { schema: { type: 'integer' } } },
    },
    ...problems('invalid-request', ...notFound),
    // Whatever is wrong with the image, the request was right.
    422: problem(422, imageFailures),
  };
};

/** How a caller proves who it is, in OpenAPI's words. */
const schemeOf = (auth: Exclude<Auth, 'none'>) =>
  auth === 'iam'
    ? { type: 'apiKey', in: 'header', name: 'Authorization', 'x-amazon-apigateway-authtype': 'awsSigv4' }
    : {
        type: 'openIdConnect',
        openIdConnectUrl: `${auth.jwt.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
      };

/** The API in OpenAPI 3.1, made from the very schemas that check what comes in. */
export const describeApi = (props: ApiDescriptionProps) => {
  const { apiUrl, maxInlineBytes, maxUploadBytes, auth, links, hasMail } = props;
  const notifyParameters = hasMail ? notifyPlaces.map(notifyParameter) : [];
  const notifyProblems: readonly ErrorCode[] = hasMail
    ? ['invalid-address', 'recipient-not-allowed', 'too-many-recipients']
    : ['email-disabled'];
  const tokenProblems: readonly ErrorCode[] = typeof auth === 'object' ? ['issuer-unavailable'] : [];
  const operations = {
    upload: {
      summary: 'Upload an image',
      description:
        'The body is the image, byte for byte; its type is judged by the bytes, whatever `Content-Type` says.',
      parameters: [preferParameter, ...notifyParameters],
      requestBody: {
        required: true,
        description: `At most ${maxInlineBytes} bytes`,
        content: Object.fromEntries([...Object.keys(acceptedTypes), '*/*'].map((type) => [type, {}])),
      },
      responses: {
        200: {
          description: 'The thumbnails are there. With `Accept: text/plain`: the bare url.',
          content: {
            ...json('Image', example),
            'text/plain': { schema: { type: 'string' }, example: `${example.url}\n` },
          },
        },
        202: {
          description: 'The thumbnails are being made. With `Accept: text/plain`: the bare url.',
          content: {
            ...json('Image', receivedExample),
            'text/plain': { schema: { type: 'string' }, example: `${example.url}\n` },
          },
        },
        ...problems(
          'empty-body',
          'invalid-request',
          ...notifyProblems,
          'body-too-large',
          'upload-too-slow',
          'overloaded',
          'daily-budget-exhausted',
          ...tokenProblems,
          ...imageFailures,
        ),
      },
    },
    announce: {
      summary: 'Announce an image that is too large for one request, and get a presigned upload for it',
      parameters: notifyParameters,
      requestBody: { required: true, content: json('UploadRequest', { sha256: id, bytes: 61_440_123 }) },
      responses: {
        200: image('The image is there already'),
        201: {
          description: `Make the request in \`upload\`. At most ${maxUploadBytes} bytes.`,
          content: json('Upload', {
            ...receivedExample,
            original: {},
            upload: {
              method: 'PUT',
              url: 'https://example-raw.s3.us-east-2.amazonaws.com/raw/9f86…?X-Amz-Signature=…',
              headers: {
                'x-amz-checksum-sha256': 'n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=',
                'if-none-match': '*',
                'x-amz-meta-upload-id': '6f1c1b1e-7d0a-4c36-9a53-0a4a3f4c9b57',
              },
              expiresAt: example.expiresAt,
            },
          }),
        },
        ...problems(
          'invalid-request',
          ...notifyProblems,
          ...(hasMail ? (['mail-needs-bytes'] as const) : []),
          'body-too-large',
          'upload-too-slow',
          'daily-budget-exhausted',
          'overloaded',
          ...tokenProblems,
        ),
      },
    },
    image: {
      summary: 'All that is known of an image',
      parameters: [idParameter],
      responses: {
        200: image('The image, in whichever state it is'),
        ...problems('invalid-request', 'not-found'),
      },
    },
    link: {
      summary: 'The permanent link: shows the first variant',
      parameters: [idParameter],
      responses: linkResponses('not-found'),
    },
    variantLink: {
      summary: 'The permanent link of one variant',
      parameters: [idParameter, variantParameter],
      responses: linkResponses('not-found', 'unknown-variant'),
    },
    description: {
      summary: 'This description',
      responses: {
        200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
        ...problems(),
      },
    },
  } satisfies Record<keyof typeof routes, object>;

  const paths: Record<string, Record<string, object>> = {};
  for (const [name, operation] of Object.entries(operations)) {
    const route = routes[name as keyof typeof routes];
    const guarded = authOf(route, auth, links) === 'none' ? {} : { security: [{ caller: [] }] };
    const responses = {
      ...(typeof authOf(route, auth, links) === 'object' ? problems('unauthorized', ...tokenProblems) : {}),
      // Last: theirs name more codes for a status.
      ...operation.responses,
    };
    paths[route.path] = {
      ...paths[route.path],
      [route.method.toLowerCase()]: { operationId: name, ...operation, ...guarded, responses },
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Thumbnail Generator',
      version: '1.0.0',
      description: 'POST an image, get a presigned URL of its thumbnail.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: apiUrl }],
    paths,
    components: {
      ...(auth === 'none' ? {} : { securitySchemes: { caller: schemeOf(auth) } }),
      schemas: {
        Image: schemaOf(imageReplySchema),
        Upload: schemaOf(uploadReplySchema),
        UploadRequest: schemaOf(uploadRequestOf(maxUploadBytes)),
        Problem: schemaOf(problemSchema),
        // No route speaks of it: it is what the topic tells.
        ImageEvent: schemaOf(imageEventSchema),
      },
    },
  };
};
