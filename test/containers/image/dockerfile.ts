import * as z from 'zod';

/** One instruction of a Dockerfile, such as `COPY` and what follows it. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

export interface Stage {
  /** An image, or the name of a stage before this one. */
  readonly from: string;
  /** @default - no other stage speaks of it */
  readonly name?: string;
  readonly instructions: readonly Instruction[];
}

/** Reads a Dockerfile's stages, in their order. */
export const parseDockerfile = (text: string): readonly Stage[] => {
  const stages: { from: string; name?: string; instructions: Instruction[] }[] = [];
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*(?:#|$)/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  for (const line of lines) {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === 'FROM') {
      const [, from = '', stageName] = /^(\S+)(?:\s+AS\s+(\S+))?$/.exec(rest) ?? [];
      stages.push({ from, name: stageName, instructions: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (name === '' || stage === undefined) throw new Error(`No instruction of a stage: ${line}`);
    stage.instructions.push({ name, text: rest });
  }
  return stages;
};

/** The exec form of a command: a list of words, which no shell sees. */
export const wordsOf = (text: string): readonly string[] => z.array(z.string()).parse(JSON.parse(text));
