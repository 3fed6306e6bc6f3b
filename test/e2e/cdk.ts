import { mkdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import * as z from 'zod';
import { programs, runCommand } from './command.ts';

const outputsSchema = z.object({
  UploadUrl: z.url(),
  RawBucketName: z.string(),
  ThumbnailBucketName: z.string(),
  ResizeQueueUrl: z.url(),
  ResizeDeadLetterQueueUrl: z.url(),
  CatalogTableName: z.string(),
  ReconcilerFunctionName: z.string(),
});

/** What a deployed stack tells of itself. */
export type Outputs = z.output<typeof outputsSchema>;

/** Settings of the app, as `-c name=value` takes them. */
export type Settings = Readonly<Record<string, string>>;

export interface Cdk {
  bootstrap(): Promise<void>;
  deploy(settings: Settings): Promise<Outputs>;
  destroy(settings: Settings): Promise<void>;
  /** @returns the folder with the cloud assembly: the template and the packaged functions */
  synth(): Promise<string>;
}

const contextOptions = (settings: Settings): readonly string[] =>
  Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

/**
 * The project's own `cdk` with the project's own app.
 *
 * @param folder takes what the commands leave: cloud assemblies, outputs, logs
 * @param aws environment that leads to an account; none of the developer's own AWS settings is ever used
 */
export const createCdk = (folder: string, aws: Readonly<Record<string, string>> = {}): Cdk => {
  const noProxy = [process.env['NO_PROXY'] ?? process.env['no_proxy'], '127.0.0.1'].filter(Boolean).join();
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:AWS|CDK)_/.test(name));
  const environment = {
    ...Object.fromEntries(inherited),
    ...aws,
    PATH: [programs, process.env['PATH']].join(delimiter),
    AWS_CONFIG_FILE: join(folder, 'no-aws-config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'no-aws-credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    CDK_HOME: join(folder, 'cdk-home'),
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    CDK_DISABLE_VERSION_CHECK: 'true',
    NO_PROXY: noProxy,
    no_proxy: noProxy,
  };
  let commands = 0;

  /** Each command has an output folder of its own, so that several can run at once. */
  const run = async (name: string, timeoutSeconds: number, args: readonly string[]): Promise<string> => {
    commands += 1;
    const output = join(folder, `cdk-${commands}-${name}`);
    mkdirSync(output);
    const assembly = join(output, 'assembly');
    await runCommand('cdk', [name, '--output', assembly, '--no-notices', '--no-color', ...args], {
      environment,
      logFile: join(output, 'log'),
      timeoutSeconds,
    });
    return assembly;
  };

  return {
    async bootstrap() {
      await run('bootstrap', 120, []);
    },
    async deploy(settings) {
      const outputsFile = join(folder, `outputs-${commands + 1}.json`);
      await run('deploy', 300, [
        '--require-approval=never',
        '--method=direct',
        `--outputs-file=${outputsFile}`,
        ...contextOptions(settings),
      ]);
      const stacks = z.record(z.string(), outputsSchema).parse(JSON.parse(readFileSync(outputsFile, 'utf8')));
      const [outputs] = Object.values(stacks);
      if (outputs === undefined) throw new Error('cdk deployed no stack');
      return outputs;
    },
    async destroy(settings) {
      await run('destroy', 180, ['--force', ...contextOptions(settings)]);
    },
    synth: () => run('synth', 180, ['--quiet']),
  };
};
