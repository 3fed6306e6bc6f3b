import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import * as z from 'zod';
import { project } from '../../local/processes.ts';
import type { HostileInput } from './corpus.ts';

const folder = join(project, '.tmp/hostile');

/** The description that is stored beside an input. */
const noteSchema = z.object({
  seed: z.int(),
  index: z.int(),
  family: z.string(),
  kind: z.string(),
  route: z.enum(['post', 'presigned']),
  contentType: z.string(),
  problems: z.array(z.string()),
});

/** Stores an input, with its problems as JSON beside it. */
export const keepFailure = async (
  seed: number,
  input: HostileInput,
  problems: readonly string[],
): Promise<string> => {
  const { bytes, index, family, kind, route, contentType } = input;
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${index}-${kind.slice(0, 120)}.bin`);
  const note: z.input<typeof noteSchema> = {
    seed,
    index,
    family,
    kind,
    route,
    contentType,
    problems: [...problems],
  };
  await writeFile(file, bytes);
  await writeFile(`${file}.json`, `${JSON.stringify(note)}\n`);
  return relative(project, file);
};

/** The input of a stored failure, or of any other file. */
export const readInput = async (file: string): Promise<HostileInput> => {
  const bytes = await readFile(file);
  try {
    const { index, family, kind, route, contentType } = noteSchema.parse(
      JSON.parse(await readFile(`${file}.json`, 'utf8')),
    );
    return { bytes, index, family, kind, route, contentType };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    return { bytes, index: 0, family: 'file', kind: basename(file), route: 'presigned', contentType: '' };
  }
};
