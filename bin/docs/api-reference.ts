import * as z from 'zod';
import { describeApi } from '../../lambdas/ingest/openapi.ts';
import { readSettings } from '../../lib/settings.ts';
import { code, table } from './table.ts';

const schemaSchema = z.looseObject({
  $ref: z.string().optional(),
  type: z.string().optional(),
  format: z.string().optional(),
  description: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
});

const contentSchema = z.record(z.string(), z.looseObject({ schema: schemaSchema.optional() }));

const operationSchema = z.object({
  summary: z.string(),
  description: z.string().optional(),
  parameters: z
    .array(z.object({ name: z.string(), in: z.string(), required: z.boolean(), description: z.string() }))
    .default([]),
  requestBody: z.object({ description: z.string().optional(), content: contentSchema }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string(), content: contentSchema.default({}) })),
});

/** The parts of the description that the reference shows. */
const descriptionSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.object({ schemas: z.record(z.string(), schemaSchema) }),
});

const description = () => {
  // Every route, with the error codes of the default settings.
  const settings = readSettings({ auth: 'iam' });
  return descriptionSchema.parse(
    describeApi({ ...settings, uploadPage: true, apiUrl: 'https://example.com/dev', extensions: [] }),
  );
};

const nameOf = (reference: string): string => reference.slice(reference.lastIndexOf('/') + 1);

const linkTo = (schema: string): string => `[${schema}](#${schema.toLowerCase()})`;

const typesOf = (content: z.output<typeof contentSchema>): string =>
  Object.entries(content)
    .map(([type, { schema }]) => {
      const name = schema?.$ref === undefined ? '' : `: ${linkTo(nameOf(schema.$ref))}`;
      return `${code(type)}${name}`;
    })
    .join(', ');

const operationText = (method: string, path: string, operation: z.output<typeof operationSchema>): string => {
  const { summary, description: text, parameters, requestBody, responses } = operation;
  return [
    `### ${code(`${method.toUpperCase()} ${path}`)}`,
    [summary, text].filter(Boolean).join('. '),
    ...(parameters.length > 0
      ? [
          table(
            ['Parameter', 'In', 'Meaning'],
            parameters.map((each) => [code(each.name), each.in, each.description]),
          ),
        ]
      : []),
    ...(requestBody
      ? [[`Body: ${typesOf(requestBody.content)}`, requestBody.description].filter(Boolean).join('. ')]
      : []),
    table(
      ['Status', 'Meaning', 'Body'],
      Object.entries(responses).map(([status, reply]) => [status, reply.description, typesOf(reply.content)]),
    ),
  ].join('\n\n');
};

const typeOf = ({ $ref, type, format, enum: values }: z.output<typeof schemaSchema>): string => {
  if ($ref !== undefined) return linkTo(nameOf($ref));
  if (values !== undefined) return values.map((value) => code(String(value))).join(', ');
  return [type ?? 'any', format].filter(Boolean).join(', ');
};

const schemaText = (
  name: string,
  { properties = {}, required = [] }: z.output<typeof schemaSchema>,
): string =>
  [
    `### ${name}`,
    table(
      ['Field', 'Type', 'Meaning'],
      Object.entries(properties).map(([field, unparsed]) => {
        const schema = schemaSchema.parse(unparsed);
        const optional = required.includes(field) ? '' : ' (optional)';
        return [`${code(field)}${optional}`, typeOf(schema), schema.description ?? ''];
      }),
    ),
  ].join('\n\n');

/** Every route with its parameters and replies. */
export const routesReference = (): string =>
  Object.entries(description().paths)
    .flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => operationText(method, path, operation)),
    )
    .join('\n\n');

/** The fields of every body of the API. Events have a document of their own. */
export const bodiesReference = (): string =>
  Object.entries(description().components.schemas)
    .filter(([, { properties }]) => properties !== undefined)
    .map(([name, schema]) => schemaText(name, schema))
    .join('\n\n');
