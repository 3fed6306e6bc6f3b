import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDocker } from '../../../../bin/commands/preflight/docker.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thumbnail-generator-docker-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A program that answers as Docker does. */
const program = async (script: string): Promise<string> => {
  const file = join(folder, `docker-${Math.random().toString(36).slice(2)}`);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o700);
  return file;
};

const onVersion = (answer: string, onOther: string): string =>
  `if [ "$1" = version ]; then ${answer}; else ${onOther}; fi`;

test('reads the platforms of the builder', async () => {
  const inspect = "printf 'Name: default\\nNodes:\\nPlatforms: linux/amd64*, linux/amd64/v2, linux/arm64\\n'";
  const command = await program(onVersion('echo linux/amd64', inspect));
  expect(await readDocker(command)).toEqual({
    command,
    state: 'running',
    platforms: ['linux/amd64', 'linux/amd64/v2', 'linux/arm64'],
  });
});

test('takes the platform of the server where there is no builder', async () => {
  const noBuilder = 'echo "docker: unknown command: docker buildx" >&2; exit 1';
  const onArm = await program(onVersion('echo linux/arm64', noBuilder));
  expect(await readDocker(onArm)).toMatchObject({ state: 'running', platforms: ['linux/arm64'] });
  const onOther = await program(onVersion('echo linux/amd64', noBuilder));
  expect(await readDocker(onOther)).toMatchObject({ state: 'running', platforms: undefined });
});

test('tells a program that does not answer from one that is missing', async () => {
  const command = await program('echo "Cannot connect to the Docker daemon." >&2; echo more >&2; exit 1');
  expect(await readDocker(command)).toEqual({
    command,
    state: 'stopped',
    message: 'Cannot connect to the Docker daemon.',
    platforms: undefined,
  });
  expect(await readDocker(join(folder, 'nothing'))).toMatchObject({ state: 'missing', platforms: undefined });
});
