import * as z from 'zod';

/** What the documentation prints about a setting, beside its name and its default. */
export interface SettingDocumentation {
  /** One plain sentence. */
  readonly description: string;
  /** Which values are valid. */
  readonly rule: string;
}

const documentationSchema = z.object({ description: z.string(), rule: z.string() });

/** @throws Error for a setting without a sentence or a rule */
export const documentationOf = (schema: z.ZodType): SettingDocumentation =>
  documentationSchema.parse(schema.meta());

/** Errors state the rule instead of what zod expected. */
export const wholeNumber = (min: number, max: number) => {
  const rule = `a whole number from ${min} to ${max}`;
  return z.int(rule).min(min, rule).max(max, rule).meta({ rule });
};

export const oneOf = <const Value extends string | number>(values: readonly Value[]) => {
  const list = new Intl.ListFormat('en', { type: 'disjunction' });
  const rule = list.format(values.map((value) => JSON.stringify(value)));
  return z.literal(values, `expected ${rule}`).meta({ rule });
};

export const matching = (pattern: RegExp, rule: string) => z.string(rule).regex(pattern, rule).meta({ rule });

export const flag = () => z.boolean('expected true or false').meta({ rule: 'true or false' });

/** @param example a valid value, which errors and the documentation show */
export const objectLike = <Shape extends z.ZodRawShape>(example: string, shape: Shape) =>
  z
    .strictObject(shape, {
      error: ({ code }) => (code === 'invalid_type' ? `expected ${example}` : undefined),
    })
    .meta({ rule: example });

const ruleOf = (schema: z.ZodType): unknown => schema.meta()?.['rule'];

export const orNull = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullable().meta({ rule: `null or ${ruleOf(schema)}` });

/**
 * A value inside a setting that is an object. Add its sentence with `describe`.
 *
 * @param rule which values are valid. @default - the rule of the schema
 */
export const field = <Schema extends z.ZodType>(
  schema: Schema,
  fallback: z.input<Schema>,
  rule = ruleOf(schema),
) => schema.prefault(() => fallback).meta({ rule });

/** `-c` gives every value as text: numbers and JSON are read from it, unless the setting is a text. */
const fromText = (value: unknown): unknown => {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
};

/**
 * A setting, given in cdk.json as a value or with `-c` as JSON. Add its sentence with `describe`.
 *
 * @param rule which values are valid. @default - the rule of the schema
 */
export const setting = <Schema extends z.ZodType>(
  schema: Schema,
  fallback: z.input<Schema>,
  rule = ruleOf(schema),
) =>
  z
    .preprocess(fromText, schema)
    .prefault(() => fallback)
    .meta({ rule });

/** A setting that is a text: `-c stage=1` gives "1". */
export const textSetting = field;
