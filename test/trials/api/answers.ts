import { readFileSync } from 'node:fs';
import * as z from 'zod';

/** The part of an HTTP archive that is read here. */
const archiveSchema = z.object({
  log: z.object({
    entries: z.array(
      z.object({
        request: z.object({ method: z.string(), url: z.string() }),
        response: z.object({ status: z.int(), content: z.object({ text: z.string().optional() }) }),
      }),
    ),
  }),
});

/** The part of an API's description that lists the replies. */
export const descriptionSchema = z.object({
  paths: z.record(
    z.string(),
    z.record(z.string(), z.object({ operationId: z.string(), responses: z.record(z.string(), z.unknown()) })),
  ),
});
type Description = z.output<typeof descriptionSchema>;

const idParameterSchema = z.looseObject({
  name: z.literal('id'),
  in: z.literal('path'),
  example: z.string(),
});

/** The description as JSON, with these ids of images as examples, each of which is then requested. */
export const withExamples = (description: string, ids: readonly string[]): string =>
  JSON.stringify(
    JSON.parse(description, (_, value: unknown) => {
      const { success, data } = idParameterSchema.safeParse(value);
      if (!success) return value;
      const { example: _example, ...parameter } = data;
      return { ...parameter, examples: Object.fromEntries(ids.map((id) => [id, { value: id }])) };
    }),
  );

export interface Answers {
  readonly count: number;
  /** How often each operation replied with each status: `link 302`. */
  readonly seen: ReadonlyMap<string, number>;
  readonly bodies: readonly string[];
}

/** Reads the replies from an HTTP archive, by the operations of the description. */
export const readAnswers = (archiveFile: string, apiUrl: string, { paths }: Description): Answers => {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => ({
      name: operationId,
      method: method.toUpperCase(),
      pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/?]+').replaceAll('.', '\\.')}(?:\\?.*)?$`),
    })),
  );
  const { entries } = archiveSchema.parse(JSON.parse(readFileSync(archiveFile, 'utf8'))).log;
  const seen = new Map<string, number>();
  for (const { request, response } of entries) {
    const path = request.url.slice(apiUrl.length);
    const operation = operations.find(
      ({ method, pattern }) => method === request.method && pattern.test(path),
    );
    const answer = `${operation?.name ?? 'other'} ${response.status}`;
    seen.set(answer, (seen.get(answer) ?? 0) + 1);
  }
  return { count: entries.length, seen, bodies: entries.map(({ response }) => response.content.text ?? '') };
};

/** Every reply in the description: `link 302`. */
export const describedAnswers = ({ paths }: Description): readonly string[] =>
  Object.values(paths).flatMap((methods) =>
    Object.values(methods).flatMap(({ operationId, responses }) =>
      Object.keys(responses).map((status) => `${operationId} ${status}`),
    ),
  );
