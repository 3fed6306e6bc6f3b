import * as z from 'zod';
import { imageEventSchema } from '../image/event.ts';
import { imageIdPattern } from '../image/id.ts';
import { acceptedTypes } from '../image/original-type.ts';
import type { ExtensionDescription, UploadExtension } from '../runtime/upload-extension.ts';
import { type Auth, type Links, tellsDeletions } from './auth.ts';
import { imageReplySchema } from './image-reply.ts';
import { example, id, receivedExample } from './openapi-examples.ts';
import { html, image, imageFailures, json, linkResponses, problems } from './openapi-replies.ts';
import { type ErrorCode, problemSchema } from './problem.ts';
import { authOf, type RouteSettings, routes, routesOf } from './routes.ts';
import { uploadRequestSchema } from './upload-request.ts';

/** A larger upload gets the code `body-too-large`; the description shows the limit as part of the schema. */
const uploadRequestOf = (maxUploadBytes: number) => {
  const { bytes } = uploadRequestSchema.shape;
  return uploadRequestSchema.extend({ bytes: bytes.max(maxUploadBytes).describe(bytes.description ?? '') });
};

const uploadReplySchema = imageReplySchema.extend({
  upload: z
    .object({
      method: z.literal('PUT'),
      url: z.url(),
      headers: z.record(z.string(), z.string()).describe('Send all of them unchanged'),
      expiresAt: z.iso.datetime(),
    })
    .describe(
      'The request to send to S3 with the image as its body. S3 accepts only the announced bytes, and only once: 412 means that the image is stored already, 409 that another upload of it is in progress (retry)',
    ),
});

export interface ApiDescriptionProps extends RouteSettings {
  readonly apiUrl: string;
  readonly maxInlineBytes: number;
  readonly maxUploadBytes: number;
  readonly links: Links;
  readonly extensions: readonly UploadExtension<ErrorCode>[];
}

const schemaOf = (schema: z.ZodType) => {
  const { $schema: _, ...jsonSchema } = z.toJSONSchema(schema);
  return jsonSchema;
};

const idParameter = {
  name: 'id',
  in: 'path',
  required: true,
  description: "Lower-case hex SHA-256 of the image's bytes",
  schema: { type: 'string', pattern: imageIdPattern.source },
  example: id,
};
const variantParameter = {
  name: 'variant',
  in: 'path',
  required: true,
  description: 'The name of a variant',
  schema: { type: 'string' },
  example: 'thumbnail',
};
const preferParameter = {
  name: 'Prefer',
  in: 'header',
  required: false,
  description:
    '`wait=N`: reply when the thumbnails are ready, or after N seconds, at most 20 (RFC 7240). A reply without `Preference-Applied` came immediately, because too many callers were waiting: retry later',
  schema: { type: 'string' },
  example: 'wait=10',
};

const parameterOf = ({ schema, ...parameter }: ExtensionDescription['parameters'][number]) => ({
  ...parameter,
  required: false,
  schema: schemaOf(schema),
});

const digestParameter = {
  name: 'Content-Digest',
  in: 'header',
  required: false,
  description:
    '`sha-256=:…:` with the SHA-256 of the image in base64 (RFC 9530): bytes that changed on the way are refused with `checksum-mismatch`. For a form, the hash of the file.',
  schema: { type: 'string' },
};

/** How callers authenticate, as an OpenAPI security scheme. */
const schemeOf = (auth: Exclude<Auth, 'none'>) =>
  auth === 'iam'
    ? { type: 'apiKey', in: 'header', name: 'Authorization', 'x-amazon-apigateway-authtype': 'awsSigv4' }
    : {
        type: 'openIdConnect',
        openIdConnectUrl: `${auth.jwt.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
      };

/** The API in OpenAPI 3.1, made from the schemas that validate requests. */
export const describeApi = (props: ApiDescriptionProps) => {
  const { apiUrl, maxInlineBytes, maxUploadBytes, auth, links } = props;
  const extensions = props.extensions.map((extension) => extension.describe());
  const extensionParameters = extensions.flatMap(({ parameters }) => parameters.map(parameterOf));
  const tokenProblems: readonly ErrorCode[] = typeof auth === 'object' ? ['issuer-unavailable'] : [];
  const gone: readonly ErrorCode[] = tellsDeletions(auth, links) ? ['image-deleted'] : [];
  const operations = {
    upload: {
      summary: 'Upload an image',
      description:
        'The body is the image, or a form with one file. The type follows from the bytes of the image.',
      parameters: [preferParameter, digestParameter, ...extensionParameters],
      requestBody: {
        required: true,
        description: `At most ${maxInlineBytes} bytes`,
        content: {
          ...Object.fromEntries([...Object.keys(acceptedTypes), '*/*'].map((type) => [type, {}])),
          'multipart/form-data': {
            schema: {
              type: 'object',
              properties: { file: { type: 'string', format: 'binary' } },
              required: ['file'],
            },
          },
        },
      },
      responses: {
        200: {
          description: 'The thumbnails are ready. With `Accept: text/plain`: only the URL.',
          content: {
            ...json('Image', example),
            'text/plain': { schema: { type: 'string' }, example: `${example.url}\n` },
          },
        },
        202: {
          description: 'The thumbnails are not ready yet. With `Accept: text/plain`: only the URL.',
          content: {
            ...json('Image', receivedExample),
            'text/plain': { schema: { type: 'string' }, example: `${example.url}\n` },
          },
        },
        303: {
          description: 'Redirect to the link, for a form that a browser sent without a script',
          headers: { Location: { schema: { type: 'string', format: 'uri' } } },
        },
        ...problems(
          'empty-body',
          'invalid-request',
          ...extensions.flatMap(({ uploadErrors }) => uploadErrors),
          'body-too-large',
          'upload-too-slow',
          'overloaded',
          'deletion-in-progress',
          'daily-budget-exhausted',
          ...tokenProblems,
          ...imageFailures,
        ),
      },
    },
    announce: {
      summary: 'Announce an image that is too large for one request, and get a presigned upload',
      parameters: extensionParameters,
      requestBody: { required: true, content: json('UploadRequest', { sha256: id, bytes: 61_440_123 }) },
      responses: {
        200: image('The image is stored already'),
        201: {
          description: `Send the request in \`upload\`. At most ${maxUploadBytes} bytes.`,
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
          ...extensions.flatMap(({ announceErrors }) => announceErrors),
          'body-too-large',
          'upload-too-slow',
          'daily-budget-exhausted',
          'overloaded',
          'deletion-in-progress',
          ...tokenProblems,
        ),
      },
    },
    image: {
      summary: 'The record of an image',
      parameters: [idParameter],
      responses: {
        200: image('The image in its present state'),
        ...problems('invalid-request', 'not-found'),
      },
    },
    link: {
      summary: 'The permanent link: shows the first variant',
      parameters: [idParameter],
      responses: linkResponses('not-found', ...gone),
    },
    variantLink: {
      summary: 'The permanent link of one variant',
      parameters: [idParameter, variantParameter],
      responses: linkResponses('not-found', 'unknown-variant', ...gone),
    },
    client: {
      summary: 'A client for browsers and Node.js: a JavaScript module that exports `upload`',
      responses: {
        200: { description: 'JavaScript', content: { 'text/javascript': { schema: { type: 'string' } } } },
        ...problems(),
      },
    },
    page: {
      summary: 'A page on which people upload images',
      responses: { 200: { description: 'HTML', content: html }, ...problems() },
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
  const present = routesOf(props);
  for (const [name, operation] of Object.entries(operations)) {
    const route = routes[name as keyof typeof routes];
    if (!present.includes(route)) continue;
    const guarded = authOf(route, auth, links) === 'none' ? {} : { security: [{ caller: [] }] };
    const responses = {
      ...(typeof authOf(route, auth, links) === 'object' ? problems('unauthorized', ...tokenProblems) : {}),
      // Last, because they name more codes for a status.
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
      version: '0.2.0',
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
        // No route uses it: it describes what the topic publishes.
        ImageEvent: schemaOf(imageEventSchema),
      },
    },
  };
};
