import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { IgnoreStrategy } from 'aws-cdk-lib';
import { project } from '../../local/processes.ts';
import { type Instruction, parseDockerfile, wordsOf } from './dockerfile.ts';

/** What an image is, as far as the Dockerfile says so. */
export interface Image {
  /** The foreign image that it begins with. */
  readonly base: string;
  /** Where its file system lies on this machine. */
  readonly root: string;
  readonly workingFolder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string;
  readonly volumes: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly healthCheck: readonly string[];
  /** Steps that were not run, because they belong to the system of the base image. */
  readonly omitted: readonly string[];
}

/** The files below a folder, from there. */
export const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));

/** The files of the project that an image may be made of: those that the deployment hands to Docker, and hashes. */
export const contextFiles = (): readonly string[] => {
  const patterns = readFileSync(join(project, '.dockerignore'), 'utf8').split('\n');
  const strategy = IgnoreStrategy.docker(project, patterns);
  const filesIn = (folder: string): readonly string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return strategy.completelyIgnores(path) ? [] : filesIn(path);
      return strategy.ignores(path) ? [] : [relative(project, path)];
    });
  return filesIn(project);
};

type MutableImage = { -readonly [Name in keyof Image]: Image[Name] };

/**
 * Does what the Dockerfile says, step by step and without Docker, in a clean folder. Of the base image there is nothing but
 * Node.js: what a step does to the rest of it, with apt-get, is omitted and named.
 */
export const assembleImage = (folder: string): Image => {
  const programs = join(folder, 'node/bin');
  mkdirSync(programs, { recursive: true });
  cpSync(join(project, 'node_modules/node/bin/node'), join(programs, 'node'), { dereference: true });
  const context = join(folder, 'context');
  for (const file of contextFiles()) cpSync(join(project, file), join(context, file));

  const stages = new Map<string, Image>();
  let image: Image | undefined;
  for (const [index, { from, name = String(index), instructions }] of parseDockerfile(
    readFileSync(join(project, 'Dockerfile'), 'utf8'),
  ).entries()) {
    const before = stages.get(from);
    const stage: MutableImage = {
      base: from,
      workingFolder: '/',
      environment: {},
      user: 'root',
      volumes: [],
      entrypoint: [],
      command: [],
      healthCheck: [],
      omitted: [],
      ...before,
      root: join(folder, name),
    };
    if (before) cpSync(before.root, stage.root, { recursive: true, verbatimSymlinks: true });
    else {
      mkdirSync(join(stage.root, 'usr/local'), { recursive: true });
      symlinkSync(programs, join(stage.root, 'usr/local/bin'));
    }
    for (const instruction of instructions) obey(instruction, stage, { context, stages, programs });
    stages.set(name, stage);
    image = stage;
  }
  if (image === undefined) throw new Error('The Dockerfile has no stage.');
  return image;
};

interface Surroundings {
  readonly context: string;
  readonly stages: ReadonlyMap<string, Image>;
  readonly programs: string;
}

const obey = ({ name, text }: Instruction, stage: MutableImage, around: Surroundings): void => {
  switch (name) {
    case 'WORKDIR':
      stage.workingFolder = text;
      mkdirSync(join(stage.root, text), { recursive: true });
      return;
    case 'COPY':
      copy(text, stage, around);
      return;
    case 'RUN':
      if (text.startsWith('apt-get')) stage.omitted = [...stage.omitted, text];
      else run(text, stage, around);
      return;
    case 'ENV': {
      const [, variable = '', value = ''] = /^(\w+)="?([^"]*)"?$/.exec(text) ?? [];
      stage.environment = { ...stage.environment, [variable]: value };
      return;
    }
    case 'USER':
      stage.user = text;
      return;
    case 'VOLUME':
      stage.volumes = wordsOf(text);
      return;
    case 'ENTRYPOINT':
      stage.entrypoint = wordsOf(text);
      return;
    case 'CMD':
      stage.command = wordsOf(text);
      return;
    case 'HEALTHCHECK':
      stage.healthCheck = wordsOf(text.slice(text.indexOf('CMD') + 'CMD'.length));
      return;
    case 'EXPOSE':
      return;
    default:
      throw new Error(`The test does not know what ${name} does.`);
  }
};

/** Docker copies what is in a folder, and a file to where the destination says, or below it if that is a folder. */
const copy = (text: string, stage: MutableImage, { context, stages }: Surroundings): void => {
  const [, from, paths = ''] = /^(?:--from=(\S+)\s+)?([^-].*)$/.exec(text) ?? [];
  const sources = paths.split(/\s+/);
  const destination = sources.pop() ?? '';
  const origin = from === undefined ? context : stages.get(from)?.root;
  if (origin === undefined) throw new Error(`There is no stage ${from}.`);
  const target = join(stage.root, stage.workingFolder, destination);
  for (const source of sources) {
    const path = join(origin, source);
    const isFolder = statSync(path).isDirectory();
    const to = !isFolder && destination.endsWith('/') ? join(target, source) : target;
    mkdirSync(dirname(to), { recursive: true });
    cpSync(path, to, { recursive: true, verbatimSymlinks: true });
  }
};

/** It is not locked up in its folder: whatever names another place is not run, but that the mode of a file is set. */
const run = (text: string, stage: MutableImage, { programs }: Surroundings): void => {
  const [, mode, path = ''] = /^chmod (0[0-7]{3}) (\/\S+)$/.exec(text) ?? [];
  if (mode !== undefined) {
    chmodSync(join(stage.root, path), Number.parseInt(mode, 8));
    return;
  }
  if (/(?:^|[\s=])[~/.]/.test(text)) throw new Error(`The test runs no step outside of its folder: ${text}`);
  execFileSync('sh', ['-c', text], {
    cwd: join(stage.root, stage.workingFolder),
    env: { ...process.env, PATH: `${programs}:${process.env['PATH']}`, ...stage.environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
};
