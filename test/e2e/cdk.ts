import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import * as z from 'zod';
import { programs, runCommand } from './command.ts';
import type { UserCredentials } from './iam.ts';

const outputsSchema = z.object({
  UploadUrl: z.url(),
  RawBucketName: z.string(),
  ThumbnailBucketName: z.string(),
  ResizeQueueUrl: z.url(),
  ResizeDeadLetterQueueUrl: z.url(),
  SlowResizeQueueUrl: z.url(),
  SlowResizeDeadLetterQueueUrl: z.url(),
  DeleteQueueUrl: z.url(),
  DeleteDeadLetterQueueUrl: z.url(),
  CatalogTableName: z.string(),
  AdmissionTableName: z.string(),
  ReconcilerFunctionName: z.string(),
  ImageEventsTopicArn: z.string(),
  AlertsTopicArn: z.string(),
  // Only with mail.
  MailRequestsTableName: z.string().optional(),
  /** Where callers are known. */
  OwnersTableName: z.string().optional(),
  NotifyQueueUrl: z.url().optional(),
  NotifyDeadLetterQueueUrl: z.url().optional(),
});

/** What each version since 0.2.0 has, and whatever else it has. */
const anyVersionOutputsSchema = z
  .object({
    UploadUrl: z.url(),
    ResizeQueueUrl: z.url(),
    ResizeDeadLetterQueueUrl: z.url(),
    NotifyQueueUrl: z.url(),
    CatalogTableName: z.string(),
  })
  .catchall(z.string());
export type AnyVersionOutputs = z.output<typeof anyVersionOutputsSchema>;

const lakeOutputsSchema = z.object({
  BucketName: z.string(),
  DatabaseName: z.string(),
  WorkGroupName: z.string(),
  DeliveryStreamName: z.string(),
});

/** The outputs of a deployed data lake. */
export type LakeOutputs = z.output<typeof lakeOutputsSchema>;

/** The outputs of a deployed stack. */
export type Outputs = z.output<typeof outputsSchema>;

/** Settings of the app for `-c name=value`. */
export type Settings = Readonly<Record<string, string>>;

export interface Cdk {
  bootstrap(): Promise<void>;
  deploy(settings: Settings): Promise<Outputs>;
  /** Deploys any version since 0.2.0, with mail. */
  deployAnyVersion(settings: Settings): Promise<AnyVersionOutputs>;
  /** Deploys with the data lake. */
  deployLake(settings: Settings): Promise<LakeOutputs>;
  destroy(settings: Settings): Promise<void>;
  /**
   * Imports resources that an earlier stack has kept into a new stack, as `npm run adopt` does.
   *
   * @param names the name of each resource, by its logical id and the property of its name
   */
  adopt(settings: Settings, names: Readonly<Record<string, Readonly<Record<string, string>>>>): Promise<void>;
  /** Destroys only the data lake. */
  destroyLake(settings: Settings): Promise<void>;
  /** @returns the folder with the cloud assembly: the template and the packaged functions */
  synth(settings?: Settings): Promise<string>;
  /** @returns the output of `npm run redrive` */
  redrive(...args: readonly string[]): Promise<string>;
  /** @returns the output of `npm run delete` */
  delete(...args: readonly string[]): Promise<string>;
  /** @returns the JSON of `npm run preflight` by a user, who must be able to read everything */
  preflight(settings: Settings, user: UserCredentials): Promise<string>;
  /** @returns the output of `cdk diff`, which compares the templates */
  diff(assembly: string): Promise<string>;
  /** @returns the output of `npm run stateful-changes` */
  statefulChanges(assembly: string): Promise<string>;
}

const nameOf = ({ stackName = 'ThumbnailGenerator' }: Settings): string => stackName;
const lakeNameOf = (settings: Settings): string => `${nameOf(settings)}DataLake`;

const contextOptions = (settings: Settings): readonly string[] =>
  Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

const alarmSchema = z.looseObject({
  Type: z.literal('AWS::CloudWatch::Alarm'),
  Properties: z.looseObject({
    Metrics: z.array(
      z.looseObject({ MetricStat: z.looseObject({ Metric: z.looseObject({}), Period: z.int() }).optional() }),
    ),
  }),
});
const resourceSchema = z.looseObject({ Type: z.string() });
type Resource = z.output<typeof resourceSchema>;
const templateSchema = z.looseObject({ Resources: z.record(z.string(), resourceSchema) });

const policySchema = z.looseObject({
  Type: z.literal('AWS::IAM::Policy'),
  Properties: z.looseObject({
    PolicyDocument: z.looseObject({ Statement: z.array(z.looseObject({ Action: z.unknown() })) }),
  }),
});

/** The emulator refuses alarms with expressions: there, each watches the sum of its first metric. */
const withoutMetricMath = (alarm: z.output<typeof alarmSchema>): Resource => {
  const { Metrics, ...properties } = alarm.Properties;
  const [first] = Metrics.flatMap(({ MetricStat }) => MetricStat ?? []);
  if (first === undefined) throw new Error('An alarm has no metric.');
  return { ...alarm, Properties: { ...properties, ...first.Metric, Period: first.Period, Statistic: 'Sum' } };
};

/** The emulator does not support permissions for a sender: it checks only the permission to send any mail. */
const withAnySender = (policy: z.output<typeof policySchema>): Resource => {
  const { PolicyDocument } = policy.Properties;
  const Statement = PolicyDocument.Statement.map(({ Condition, ...statement }) =>
    statement.Action === 'ses:SendEmail' ? { ...statement, Resource: '*' } : { ...statement, Condition },
  );
  return {
    ...policy,
    Properties: { ...policy.Properties, PolicyDocument: { ...PolicyDocument, Statement } },
  };
};

/** Changes what the emulator does not support. */
const adapt = (assembly: string): void => {
  for (const name of readdirSync(assembly).filter((file) => file.endsWith('.template.json'))) {
    const file = join(assembly, name);
    const template = templateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    for (const [id, resource] of Object.entries(template.Resources)) {
      const alarm = alarmSchema.safeParse(resource);
      if (alarm.success) template.Resources[id] = withoutMetricMath(alarm.data);
      // Unknown to the emulator.
      if (resource.Type === 'AWS::Athena::NamedQuery') delete template.Resources[id];
      const policy = policySchema.safeParse(resource);
      if (policy.success) template.Resources[id] = withAnySender(policy.data);
    }
    writeFileSync(file, JSON.stringify(template));
  }
};

/**
 * Runs `cdk` of the project with its app.
 *
 * @param folder for the files of the commands: cloud assemblies, outputs, logs
 * @param aws the environment of an account; no AWS settings of the developer are used
 * @param projectFolder the folder of `cdk.json`
 */
export const createCdk = (
  folder: string,
  aws: Readonly<Record<string, string>> = {},
  projectFolder = '.',
): Cdk => {
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

  /** Each command has an output folder of its own, so that several can run at the same time. */
  const run = async (name: string, timeoutSeconds: number, args: readonly string[]): Promise<string> => {
    commands += 1;
    const output = join(folder, `cdk-${commands}-${name}`);
    mkdirSync(output);
    const assembly = join(output, 'assembly');
    await runCommand('cdk', [name, '--output', assembly, '--no-notices', '--no-color', ...args], {
      environment,
      logFile: join(output, 'log'),
      timeoutSeconds,
      workingFolder: projectFolder,
    });
    return assembly;
  };

  const assemblies = new Map<string, Promise<string>>();

  /** The cloud assembly of these settings for the emulator, which is made once. */
  const assemblyOf = (settings: Settings): Promise<string> => {
    const key = contextOptions(settings).join('\n');
    const known = assemblies.get(key);
    if (known !== undefined) return known;
    const made = synth(settings).then((assembly) => {
      adapt(assembly);
      return assembly;
    });
    assemblies.set(key, made);
    return made;
  };

  /** Deploys all stacks. @returns the outputs of one of them */
  const deployStack = async <Schema extends z.ZodType>(
    settings: Settings,
    stackName: string,
    schema: Schema,
  ): Promise<z.output<Schema>> => {
    const assembly = await assemblyOf(settings);
    const outputsFile = join(folder, `outputs-${commands + 1}.json`);
    await run('deploy', 300, [
      '--app',
      assembly,
      '--all',
      '--require-approval=never',
      '--method=direct',
      `--outputs-file=${outputsFile}`,
    ]);
    const stacks = z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(outputsFile, 'utf8')));
    return schema.parse(stacks[stackName]);
  };

  const synth = (settings: Settings = {}): Promise<string> =>
    run('synth', 180, ['--quiet', ...contextOptions(settings)]);

  /** @returns what `npm run` prints */
  const runScript = async (
    script: string,
    args: readonly string[],
    others: Readonly<Record<string, string>> = {},
  ): Promise<string> => {
    commands += 1;
    const logFile = join(folder, `${script}-${commands}.log`);
    await runCommand('npm', ['run', '--silent', script, '--', ...args], {
      environment: { ...environment, NODE_EXTRA_CA_CERTS: aws['AWS_CA_BUNDLE'], ...others },
      logFile,
      timeoutSeconds: 60,
    });
    return readFileSync(logFile, 'utf8');
  };

  return {
    async bootstrap() {
      await run('bootstrap', 120, []);
    },
    deploy: (settings) => deployStack(settings, nameOf(settings), outputsSchema),
    deployAnyVersion: (settings) => deployStack(settings, nameOf(settings), anyVersionOutputsSchema),
    deployLake: (settings) =>
      deployStack({ ...settings, dataLake: 'true' }, lakeNameOf(settings), lakeOutputsSchema),
    async destroy(settings) {
      await run('destroy', 180, ['--app', await assemblyOf(settings), '--all', '--force']);
    },
    async adopt(settings, names) {
      const mapping = `--resource-mapping-inline=${JSON.stringify(names)}`;
      await run('import', 120, ['--app', 'node bin/adopt.ts', mapping, ...contextOptions(settings)]);
    },
    async destroyLake(settings) {
      const assembly = await assemblyOf({ ...settings, dataLake: 'true' });
      await run('destroy', 180, ['--app', assembly, lakeNameOf(settings), '--force']);
    },
    synth,
    redrive: (...args) => runScript('redrive', args),
    delete: (...args) => runScript('delete', args),
    preflight: (settings, user) =>
      runScript('preflight', ['--json', ...contextOptions(settings)], {
        AWS_ACCESS_KEY_ID: user.accessKeyId,
        AWS_SECRET_ACCESS_KEY: user.secretAccessKey,
      }),
    async diff(assembly) {
      const output = await run('diff', 120, ['--app', assembly, '--no-change-set']);
      return readFileSync(join(dirname(output), 'log'), 'utf8');
    },
    statefulChanges: (assembly) => runScript('stateful-changes', ['--assembly', assembly]),
  };
};
