import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Duration } from 'aws-cdk-lib';
import { PolicyStatement, type PolicyStatementProps, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { type BundlingOptions, NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { ILogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { projectFolder } from './project-folder.ts';
import { ServiceLogs } from './service-logs.ts';

export interface ServiceFunctionProps {
  /** Path of the file that exports `handler`, from the project's root. */
  readonly entry: string;
  readonly description: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMiB: number;
  readonly timeout: Duration;
  /** Functions that run at the same time, reserved from the account's quota. @default - none are reserved */
  readonly maxConcurrency?: number;
  readonly logRetention: RetentionDays;
  /** @default - a log group of its own */
  readonly logGroup?: ILogGroup;
  /** All permissions of the function besides writing its log and traces. */
  readonly statements: readonly PolicyStatementProps[];
  /**
   * Packages with native code, or which stay replaceable. They are installed for the function's processor.
   *
   * @default - none
   */
  readonly nativeModules?: readonly string[];
  /**
   * Folder with files for browsers. The package has them unchanged, in a folder of its last name.
   * @default - none
   */
  readonly browserFiles?: string;
  /** Entry files of child processes: each becomes a file of the same name in the package. @default - none */
  readonly processes?: readonly string[];
}

/** npm's name for each CPU architecture of Lambda. */
const npmCpu: Readonly<Record<string, string>> = { arm64: 'arm64', x86_64: 'x64' };

/** Packs a function into one CommonJS file, which loads a third faster than with esbuild's default fields. */
export const bundling = (
  architecture: Architecture,
  {
    nativeModules,
    browserFiles,
    processes = [],
  }: Pick<ServiceFunctionProps, 'nativeModules' | 'browserFiles' | 'processes'> = {},
): BundlingOptions => ({
  format: OutputFormat.CJS,
  minify: true,
  mainFields: ['module', 'main'],
  // The runtime has another version of the SDK than the one tested.
  bundleAwsSDK: true,
  nodeModules: nativeModules && [...nativeModules],
  esbuildArgs: {
    '--alias:@aws-sdk/credential-provider-node': './lambdas/runtime/function-credentials.ts',
    // An `import()` in CommonJS would also load Node.js' loader of ES modules, which delays a cold start.
    '--supported:dynamic-import': false,
  },
  // CommonJS has other names for these.
  define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  commandHooks: {
    beforeBundling: () => [],
    beforeInstall: () => [],
    afterBundling: (inputFolder, packageFolder) => [
      ...(browserFiles ? [copying(browserFiles, inputFolder, packageFolder)] : []),
      ...processes.map((entry) =>
        [
          'npx esbuild --bundle',
          `"${join(inputFolder, entry)}"`,
          `--outfile="${join(packageFolder, basename(entry, '.ts'))}.js"`,
          '--platform=node --target=node24 --format=cjs --minify --main-fields=module,main --log-level=warning',
          '--define:import.meta.dirname=__dirname --define:import.meta.filename=__filename',
          ...(nativeModules ?? []).map((name) => `--external:${name}`),
        ].join(' '),
      ),
    ],
  },
  environment: {
    npm_config_os: 'linux',
    npm_config_cpu: npmCpu[architecture.name] ?? architecture.name,
    npm_config_libc: 'glibc',
  },
});

/** esbuild copies files on every system. */
const copying = (folder: string, inputFolder: string, packageFolder: string): string =>
  [
    'npx esbuild --loader:.js=copy --loader:.css=copy --log-level=warning',
    ...readdirSync(join(projectFolder, folder))
      .filter((name) => /\.(?:js|css)$/.test(name))
      .map((name) => `"${join(inputFolder, folder, name)}"`),
    `--outdir="${join(packageFolder, basename(folder))}"`,
  ].join(' ');

/** A Lambda function on arm64 and Node.js 24, traced, with a log group that expires. */
export class ServiceFunction extends NodejsFunction {
  readonly executionRole: Role;
  readonly memoryMiB: number;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps) {
    const logGroup = props.logGroup ?? new ServiceLogs(scope, `${id}Logs`, { retention: props.logRetention });
    // Not AWS's managed policy for functions, which allows writing to every log of the account.
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        // The ARN ends with ":*", the group's streams.
        resources: [logGroup.logGroupArn],
      }),
    );
    for (const statement of props.statements) role.addToPolicy(new PolicyStatement(statement));
    super(scope, id, {
      role,
      logGroup,
      projectRoot: projectFolder,
      depsLockFilePath: join(projectFolder, 'package-lock.json'),
      entry: join(projectFolder, props.entry),
      description: props.description,
      environment: props.environment,
      memorySize: props.memoryMiB,
      timeout: props.timeout,
      reservedConcurrentExecutions: props.maxConcurrency,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      tracing: Tracing.ACTIVE,
      bundling: bundling(Architecture.ARM_64, props),
    });
    acknowledge(
      role,
      'IAM5[Resource::*]',
      'X-Ray knows no resources for PutTraceSegments and PutTelemetryRecords (Service Authorization Reference). A test refuses "*" for every other action.',
    );
    this.executionRole = role;
    this.memoryMiB = props.memoryMiB;
  }
}
