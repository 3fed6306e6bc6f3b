import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.ts';

export interface PythonEnvironmentProps {
  /** Its folder, which is kept for the next run. */
  readonly folder: string;
  /** The pinned packages. */
  readonly requirementsFile: string;
  /** A module of these packages. */
  readonly module: string;
  readonly logFile: string;
}

/**
 * A Python environment with the pinned packages, which is made again when they or Python change.
 *
 * @returns the folder of its programs
 */
export const pythonEnvironment = async (props: PythonEnvironmentProps): Promise<string> => {
  const { folder, requirementsFile, module, logFile } = props;
  const programs = join(folder, 'bin');
  const python = join(programs, 'python');
  const requirements = readFileSync(requirementsFile, 'utf8');
  const stampFile = join(folder, 'requirements.txt');
  const run = (command: string, args: readonly string[], timeoutSeconds: number) =>
    runCommand(command, args, { environment: process.env, logFile, timeoutSeconds });

  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === requirements) {
    const works = await run(python, ['-c', `import ${module}`], 60).then(
      () => true,
      () => false,
    );
    if (works) return programs;
  }
  rmSync(folder, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', folder], 60);
  const install = ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check'];
  await run(python, [...install, '-r', requirementsFile], 300);
  writeFileSync(stampFile, requirements);
  return programs;
};
