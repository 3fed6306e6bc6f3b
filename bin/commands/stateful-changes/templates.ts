import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CloudFormationClient, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import * as z from 'zod';
import { fileProblemOf, UsageError } from '../command.ts';

export type Template = Readonly<Record<string, unknown>>;

/** A stack as `cdk synth` wrote it. */
export interface SynthesizedStack {
  readonly stackName: string;
  readonly template: Template;
}

const templateSchema = z.record(z.string(), z.unknown());

// cloud-assembly-schema of CDK: the parts that are needed here.
const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.object({
      type: z.string(),
      properties: z
        .object({ templateFile: z.string().optional(), stackName: z.string().optional() })
        .optional(),
    }),
  ),
});

/**
 * The stacks in a folder that `cdk synth` has written.
 *
 * @throws UsageError if there are none
 */
export const synthesizedStacks = (folder: string): readonly SynthesizedStack[] => {
  const read = (name: string): unknown => {
    try {
      return JSON.parse(readFileSync(join(folder, name), 'utf8'));
    } catch (error) {
      const problem = fileProblemOf(error);
      throw new UsageError(`${join(folder, name)} cannot be read (${problem}). Run npx cdk synth first.`);
    }
  };
  const { artifacts } = manifestSchema.parse(read('manifest.json'));
  const stacks = Object.entries(artifacts).flatMap(([id, { type, properties }]) =>
    type === 'aws:cloudformation:stack' && properties?.templateFile !== undefined
      ? [
          {
            stackName: properties.stackName ?? id,
            template: templateSchema.parse(read(properties.templateFile)),
          },
        ]
      : [],
  );
  if (stacks.length === 0) throw new UsageError(`There is no stack in ${folder}. Run npx cdk synth first.`);
  return stacks;
};

/** The template of a deployed stack; undefined if there is no such stack. */
export const deployedTemplate = async (
  cloudFormation: CloudFormationClient,
  StackName: string,
): Promise<Template | undefined> => {
  try {
    const { TemplateBody = '' } = await cloudFormation.send(
      new GetTemplateCommand({ StackName, TemplateStage: 'Original' }),
    );
    return templateSchema.parse(JSON.parse(TemplateBody));
  } catch (error) {
    // CloudFormation's code for every mistake in a request.
    if (error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message)) {
      return undefined;
    }
    throw error;
  }
};
