import { imageErrorCodes } from '../image/errors.ts';
import { example, receivedExample } from './openapi-examples.ts';
import { type ErrorCode, problemKinds } from './problem.ts';

/** Why an image may fail that is uploaded: those bytes are there. */
export const imageFailures: readonly ErrorCode[] = imageErrorCodes.filter(
  (code) => code !== 'original-missing',
);

export const json = (schema: string, value: object) => ({
  'application/json': { schema: { $ref: `#/components/schemas/${schema}` }, example: value },
});

export const image = (description: string, value: object = example) => ({
  description,
  content: json('Image', value),
});

/** A reply with one of several errors. */
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

/** The error replies, one for each status of the codes. */
export const problems = (...codes: readonly ErrorCode[]) => {
  // Any request may get these; the first two only from a server for one machine, such as `npm start`.
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

export const html = { 'text/html': { schema: { type: 'string' } } };

const svg = { 'image/svg+xml': { schema: { type: 'string' } } };

/** The replies of both kinds of link. */
export const linkResponses = (...notFound: readonly ErrorCode[]) => {
  const received = image(
    'The thumbnail is not ready: retry after `Retry-After` seconds. A browser gets a page that reloads itself. An `<img>` waits for some seconds and then gets a placeholder.',
    receivedExample,
  );
  return {
    302: {
      description: 'Redirect to a fresh presigned URL of the thumbnail',
      headers: {
        Location: { schema: { type: 'string', format: 'uri' } },
        'Cache-Control': { description: 'Shorter than the URL works', schema: { type: 'string' } },
      },
    },
    202: {
      ...received,
      content: { ...received.content, ...html, ...svg },
      headers: { 'Retry-After': { schema: { type: 'integer' } } },
    },
    ...problems('invalid-request', ...notFound),
    // The image failed, but the request was right: one status for all codes.
    422: problem(422, imageErrorCodes),
  };
};
