import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { IgnoreStrategy } from 'aws-cdk-lib';
import * as z from 'zod';
import { project } from '../../local/processes.ts';

const lines = readFileSync(join(project, 'Dockerfile'), 'utf8')
  .split('\n')
  .filter((line) => /^[A-Z]+ /.test(line));

const argumentsOf = (instruction: string): readonly string[] =>
  lines.flatMap((line) => (line.startsWith(`${instruction} `) ? [line.slice(instruction.length + 1)] : []));

/** A command or a list of volumes in the exec form: a JSON list of words. */
const wordsOf = (instruction: string): readonly string[] => {
  const [list] = z.array(z.string()).parse(argumentsOf(instruction));
  return z.array(z.string()).parse(JSON.parse(list?.slice(list.indexOf('[')) ?? ''));
};

/** How the image runs, as the Dockerfile says. */
export const image = {
  base: argumentsOf('FROM')[0],
  /** The steps that `assembleImage` follows; the test compares them. */
  steps: lines.filter((line) => /^(?:RUN|COPY|WORKDIR) /.test(line)),
  user: argumentsOf('USER')[0] ?? '',
  volumes: wordsOf('VOLUME'),
  environment: Object.fromEntries(
    argumentsOf('ENV').map((variable) => {
      const [, name = '', value = ''] = /^(\w+)="?([^"]*)"?$/.exec(variable) ?? [];
      return [name, value];
    }),
  ),
  entrypoint: wordsOf('ENTRYPOINT'),
  command: wordsOf('CMD'),
  healthCheck: wordsOf('HEALTHCHECK'),
} as const;

const installation = argumentsOf('RUN').find((command) => command.startsWith('npm ci')) ?? '';

/** The files below a folder, relative to it. */
export const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));

/**
 * Makes the file system of the image without Docker. The base image is represented by Node.js alone, and what
 * its package manager would install is left out.
 *
 * @returns the root of the file system
 */
export const assembleImage = (folder: string): string => {
  const root = join(folder, 'image');
  const app = join(root, 'app');
  const program = join(root, 'usr/local/bin/node');
  cpSync(join(project, 'node_modules/node/bin/node'), program, { dereference: true });

  const dependencies = join(folder, 'dependencies');
  for (const file of ['package.json', 'package-lock.json'])
    cpSync(join(project, file), join(dependencies, file));
  execFileSync('sh', ['-c', installation], {
    cwd: dependencies,
    env: { ...process.env, PATH: `${join(root, 'usr/local/bin')}:${process.env['PATH']}` },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  chmodSync(program, 0o711);
  mkdirSync(app, { recursive: true });
  renameSync(join(dependencies, 'node_modules'), join(app, 'node_modules'));

  const ignored = IgnoreStrategy.docker(
    project,
    readFileSync(join(project, '.dockerignore'), 'utf8').split('\n'),
  );
  const isSent = (path: string): boolean =>
    statSync(path).isDirectory() ? !ignored.completelyIgnores(path) : !ignored.ignores(path);
  for (const source of ['package.json', 'lambdas', 'containers'])
    cpSync(join(project, source), join(app, source), { recursive: true, filter: isSent });
  return root;
};
