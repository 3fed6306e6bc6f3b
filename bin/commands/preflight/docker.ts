import { execFile } from 'node:child_process';
import type { DockerFacts } from './checks/docker.ts';

const timeoutMilliseconds = 20_000;

type Answer =
  | { readonly state: 'running'; readonly output: string }
  | { readonly state: 'missing' | 'stopped'; readonly message: string };

const ask = (command: string, args: readonly string[]): Promise<Answer> =>
  new Promise((resolve) => {
    execFile(command, args, { timeout: timeoutMilliseconds }, (error, output, errors) => {
      if (error === null) resolve({ state: 'running', output });
      else if (error.code === 'ENOENT') resolve({ state: 'missing', message: error.message });
      else resolve({ state: 'stopped', message: errors.trim().split('\n')[0] ?? '' });
    });
  });

/**
 * Asks the program with which CDK builds container images.
 *
 * @param command CDK's variable CDK_DOCKER
 */
export const readDocker = async (command = 'docker'): Promise<DockerFacts> => {
  const server = await ask(command, ['version', '--format', '{{.Server.Os}}/{{.Server.Arch}}']);
  if (server.state !== 'running') return { command, ...server, platforms: undefined };
  const own = server.output.trim();
  const builder = await ask(command, ['buildx', 'inspect']);
  if (builder.state !== 'running') {
    // It can at least build for its own processor.
    return { command, state: 'running', platforms: own === 'linux/arm64' ? [own] : undefined };
  }
  const [, list = ''] = /^Platforms:\s*(.+)$/m.exec(builder.output) ?? [];
  // A star marks a platform that was set by hand (Docker Docs, `docker buildx inspect`).
  const platforms = list.split(',').map((each) => each.trim().replace(/\*$/, ''));
  return { command, state: 'running', platforms: list === '' ? [own] : platforms };
};
