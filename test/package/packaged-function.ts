import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { programs } from '../e2e/command.ts';

const templateSchema = z.object({
  Resources: z.record(z.string(), z.object({ Type: z.string(), Properties: z.unknown() })),
});
const codeSchema = z.object({ Code: z.object({ S3Key: z.string().regex(/^[0-9a-f]{64}\.zip$/) }) });

/** The folder in a cloud assembly with a function's code. */
export const packageOf = (assembly: string, functionId: string): string => {
  const [templateFile = ''] = readdirSync(assembly).filter((name) => name.endsWith('.template.json'));
  const { Resources } = templateSchema.parse(JSON.parse(readFileSync(join(assembly, templateFile), 'utf8')));
  const [, found] =
    Object.entries(Resources).find(
      ([id, { Type }]) => Type === 'AWS::Lambda::Function' && id.startsWith(functionId),
    ) ?? [];
  return join(assembly, `asset.${codeSchema.parse(found?.Properties).Code.S3Key.replace('.zip', '')}`);
};

/**
 * Runs a packaged function once, in Node.js 24 and in a folder that holds nothing but its package.
 *
 * @returns the handler's result
 */
export const invoke = async (
  packageFolder: string,
  environment: Readonly<Record<string, string>>,
  event: object,
): Promise<unknown> => {
  const parent = mkdtempSync(join(tmpdir(), 'packaged-function-'));
  // As in Lambda, no package.json above the package makes its files ES modules.
  writeFileSync(join(parent, 'package.json'), '{"type":"commonjs"}\n');
  const folder = join(parent, 'function');
  try {
    cpSync(packageFolder, folder, { recursive: true });
    const child = fork(join(import.meta.dirname, 'invoke.ts'), [join(folder, 'index.js')], {
      execPath: join(programs, 'node'),
      execArgv: [],
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      timeout: 60_000,
    });
    let errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    let answer: unknown;
    child.once('message', (message) => {
      answer = message;
    });
    child.send(event);
    const [exitCode] = await once(child, 'close');
    if (exitCode !== 0) throw new Error(`The function ended with ${exitCode}:\n${withoutCode(errors)}`);
    return answer;
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
};

/** An error's trace without the line of code, which is the whole function. */
const withoutCode = (errors: string): string =>
  errors
    .split('\n')
    .filter((line) => line.length < 1000)
    .join('\n');
