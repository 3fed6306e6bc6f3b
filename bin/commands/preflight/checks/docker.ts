import { fails, type Outcome, ok, unknown } from '../outcome.ts';

export interface DockerFacts {
  /** Such as `docker`, or what CDK_DOCKER names. */
  readonly command: string;
  /** `missing`: there is no such program. `stopped`: it does not answer. */
  readonly state: 'missing' | 'stopped' | 'running';
  /** What the program said when it did not answer. */
  readonly message?: string;
  /** Platforms such as linux/arm64 that it builds for; undefined if it does not tell. */
  readonly platforms: readonly string[] | undefined;
}

const platform = 'linux/arm64';

/** Whether `cdk deploy` can build the container image, which is for arm64. */
export const judgeDocker = ({ command, state, message = '', platforms }: DockerFacts): Outcome => {
  if (state === 'missing') {
    return fails(
      `There is no ${command}, which builds the container image.`,
      'Install Docker, or name another program in CDK_DOCKER, such as finch.',
    );
  }
  if (state === 'stopped') {
    return fails(`${command} does not answer${message === '' ? '' : ` (${message})`}.`, 'Start it.');
  }
  if (platforms === undefined) {
    return unknown(
      `${command} does not tell whether it builds for ${platform}.`,
      `Try ${command} run --rm --platform ${platform} node:24-slim uname -m`,
    );
  }
  if (platforms.includes(platform)) return ok(`${command} builds for ${platform}.`);
  return fails(
    `${command} builds for ${platforms.join(', ')} only, and the containers are for ${platform}.`,
    'Build on an arm64 machine, or install the emulation: docker run --privileged --rm tonistiigi/binfmt --install arm64.',
  );
};
