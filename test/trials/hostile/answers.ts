import * as z from 'zod';
import { type ErrorCode, errorCodes } from '../../../lambdas/ingest/problem.ts';
import { type Reply, replySchema } from '../../reply.ts';
import { leaksOf } from '../stack.ts';

/** An error as the contract has it: this and nothing else. */
const problemSchema = z.strictObject({
  title: z.string().min(1),
  status: z.int(),
  code: z.enum(errorCodes),
  detail: z.string().min(1).max(2000),
  field: z.string().optional(),
});

/** What a request was answered with, and what was wrong with the answer. */
export interface Answer {
  readonly status: number;
  readonly reply?: Reply;
  readonly code?: ErrorCode;
  readonly problems: readonly string[];
}

/** Reads an answer of the API and holds it to the contract. */
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
        ...(status >= 500 && data?.code !== 'overloaded' ? [`answered ${status}`] : []),
        ...(error === undefined
          ? []
          : [`no valid problem: ${z.prettifyError(error)}: ${text.slice(0, 300)}`]),
        ...(type === 'application/problem+json' ? [] : [`a problem of the type ${type}`]),
        ...(data === undefined || data.status === status
          ? []
          : [`${data.status} within an answer of ${status}`]),
        ...(data === undefined ? [] : unclean(data.detail)),
        ...(leaksOf(text) ? ['the answer leaks'] : []),
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

/** What a client may be told of a failure is for people: it comes to them, and to logs, as it is. */
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

/** A record's code, which the reply's schema takes for any text. */
export const codeOf = (text: string): ErrorCode | 'unreadable' => {
  const { data = 'unreadable' } = z.enum(errorCodes).safeParse(text);
  return data;
};
