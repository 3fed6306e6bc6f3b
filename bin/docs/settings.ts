import * as z from 'zod';
import { readSettings, settingsSchema } from '../../lib/settings.ts';
import { code, table } from './table.ts';

/** The object schema inside defaults, `null` and JSON text; undefined if there is none. */
const objectIn = (schema: z.core.$ZodType): z.ZodObject | undefined => {
  if (schema instanceof z.ZodObject) return schema;
  if (schema instanceof z.ZodPipe) return objectIn(schema.out);
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable)
    return objectIn(schema.unwrap());
  return undefined;
};

type Row = readonly [name: string, value: string, description: string, rule: string];

/** A row for each setting; the parts of an object have rows of their own below it. */
const rowsOf = (object: z.ZodObject, defaults: unknown, prefix = ''): readonly Row[] =>
  Object.entries(object.shape).flatMap(([key, schema]) => {
    const name = `${prefix}${key}`;
    const parts = objectIn(schema);
    const value = z.record(z.string(), z.unknown()).safeParse(defaults).data?.[key];
    const shown = value === undefined || (parts && value !== null) ? '' : code(textOf(value));
    const { description = '', rule } = z.globalRegistry.get(schema) ?? {};
    const valid = parts ? '' : String(rule ?? '').replaceAll('<', '&lt;');
    const row: Row = [code(name), shown, description, valid];
    return [row, ...(parts ? rowsOf(parts, value, `${name}.`) : [])];
  });

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Every setting of cdk.json with its default, what it does and which values are valid. */
export const settingsTable = (): string =>
  table(['Setting', 'Default', 'Meaning', 'Valid values'], rowsOf(settingsSchema, readSettings({})));
