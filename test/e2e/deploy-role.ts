import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';
import { region } from './emulator.ts';

const roleSchema = z.object({
  Properties: z.object({
    Policies: z.array(z.object({ PolicyDocument: z.object({ Statement: z.array(z.looseObject({})) }) })),
  }),
});
const templateSchema = z.object({
  Parameters: z.record(z.string(), z.object({ Default: z.string().optional() })),
  Resources: z.object({ DeployRole: roleSchema, DiffRole: roleSchema }),
});
export type PipelineRole = 'DeployRole' | 'DiffRole';

/** What a role of the pipeline may do in the emulator's account, with the defaults of its template. */
export const statementsOf = (role: PipelineRole): readonly object[] => {
  const { Parameters, Resources } = templateSchema.parse(
    parse(readFileSync('.github/deploy-role.yml', 'utf8')),
  );
  const defaults = Object.entries(Parameters).map(([name, { Default }]) => [name, Default ?? '']);
  const values: Readonly<Record<string, string>> = {
    ...Object.fromEntries(defaults),
    'AWS::Partition': 'aws',
    'AWS::AccountId': '000000000000',
    'AWS::Region': region,
  };
  const resolve = (text: string): string =>
    text.replaceAll(/\$\{([\w:]+)\}/g, (_, name) => values[name] ?? '');
  // Each Fn::Sub becomes its text.
  const resolved: unknown = JSON.parse(JSON.stringify(Resources[role]), (_, value) =>
    value !== null && typeof value === 'object' && 'Fn::Sub' in value ? resolve(value['Fn::Sub']) : value,
  );
  return roleSchema
    .parse(resolved)
    .Properties.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
};
