import * as z from 'zod';
import { type ErrorCode, errorCodes } from '../../../lambdas/ingest/problem.ts';
import { type Reply, replySchema } from '../../reply.ts';
import { leaksOf } from '../stack.ts';

/** An error of the API, with no other field. */
const problemSchema = z.strictObject({
  title: z.string().min(1),
  status: z.int(),
  code: z.enum(errorCodes),
  detail: z.string().min(1).max(2000),
  field: z.string().optional(),
});

/** The reply to a request, and what is wrong with it. */
export interface Answer {
  readonly status: number;
  readonly reply?: Reply;
  readonly code?: ErrorCode;
  readonly problems: readonly string[];
}

/** Reads a reply of the API and checks it against the contract. */
export const readAnswer = async (response: Response, id: string): Promise<Answer> => {
  const { status } = response;
  const text = await response.text();
  const type = response.headers.get('Content-Type') ?? 'none';
  const json = fromJson(text);
  if (status >= 400) {
    const { data, error } = problemSchema.safeParse(json);
    return {
      status,
      code: data?.code,
      problems: [
        ...(status >= 500 && data?.code !== 'overloaded' ? [`replied ${status}`] : []),
        ...(error === undefined
          ? []
          : [`no valid problem: ${z.prettifyError(error)}: ${text.slice(0, 300)}`]),
        ...(type === 'application/problem+json' ? [] : [`a problem of the type ${type}`]),
        ...(data === undefined || data.status === status
          ? []
          : [`${data.status} within a reply of ${status}`]),
        ...(data === undefined ? [] : unclean(data.detail)),
        ...(leaksOf(text) ? ['the reply leaks'] : []),
      ],
    };
  }
  const { data, error } = replySchema.safeParse(json);
  if (data === undefined) {
    return { status, problems: [`no valid reply: ${z.prettifyError(error)}: ${text.slice(0, 300)}`] };
  }
  const urls = signedUrls(data);
  const unsigned = urls.reduce((rest, url) => rest.replaceAll(JSON.stringify(url), '""'), text);
  return {
    status,
    reply: data,
    problems: [
      ...(data.id === id ? [] : [`the id is ${data.id}`]),
      ...(urls.every((url) => new URL(url).pathname.includes(id)) ? [] : ["a URL of another's image"]),
      ...(type.startsWith('application/json') ? [] : [`a reply of the type ${type}`]),
      ...(leaksOf(unsigned) ? ['the reply leaks'] : []),
      ...unclean(data.error?.detail ?? ''),
    ],
  };
};

/** The detail of a failure is for people, who see it unchanged in replies and logs. */
const unclean = (detail: string): readonly string[] =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\x00-\x09\x0b-\x1f\x7f]/.test(detail) ? ['control characters in the detail'] : [];

const signedUrls = ({ url, thumbnails, upload }: Reply): readonly string[] =>
  [url, upload?.url, ...Object.values(thumbnails).map((each) => each.url)].filter(
    (each) => each !== undefined,
  );

const fromJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** A record's code, which is any text in the schema of a reply. */
export const codeOf = (text: string): ErrorCode | 'unreadable' => {
  const { data = 'unreadable' } = z.enum(errorCodes).safeParse(text);
  return data;
};
