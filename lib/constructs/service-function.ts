import { basename, join } from 'node:path';
import type { Duration } from 'aws-cdk-lib';
import { PolicyStatement, type PolicyStatementProps, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { type BundlingOptions, NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { ILogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { ServiceLogs } from './service-logs.ts';

export interface ServiceFunctionProps {
  /** File whose `handler` is the function, from the project's top. */
  readonly entry: string;
  readonly description: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMiB: number;
  readonly timeout: Duration;
  /** Functions that run at once, reserved from what the account allows. @default - nothing is reserved */
  readonly maxConcurrency?: number;
  readonly logRetention: RetentionDays;
  /** Where it logs. @default - a group of its own */
  readonly logGroup?: ILogGroup;
  /** All that the function may do besides writing its own log and traces. */
  readonly statements: readonly PolicyStatementProps[];
  /** Packages installed for the function's processor instead of being bundled. @default - none */
  readonly nativeModules?: readonly string[];
  /** Entry files of processes that the function starts: each becomes a file of its name in the package. @default - none */
  readonly processes?: readonly string[];
}

/** Lambda's own CPU architecture names -> those of npm. */
const npmCpu: Readonly<Record<string, string>> = { arm64: 'arm64', x86_64: 'x64' };

/** How a function is packed: one CommonJS file (96 ms to import; 144 ms with esbuild's default fields). */
export const bundling = (
  architecture: Architecture,
  { nativeModules, processes = [] }: Pick<ServiceFunctionProps, 'nativeModules' | 'processes'> = {},
): BundlingOptions => ({
  format: OutputFormat.CJS,
  minify: true,
  mainFields: ['module', 'main'],
  // The runtime's own copy of the SDK is another version than the one tested: bring ours.
  bundleAwsSDK: true,
  nodeModules: nativeModules && [...nativeModules],
  esbuildArgs: {
    '--alias:@aws-sdk/credential-provider-node': './lambdas/runtime/function-credentials.ts',
    // An `import()` in CommonJS would load Node.js' loader of ES modules as well: 2 ms of a cold start.
    '--supported:dynamic-import': false,
  },
  // CommonJS has names of its own for these.
  define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  commandHooks: {
    beforeBundling: () => [],
    beforeInstall: () => [],
    afterBundling: (projectFolder, packageFolder) =>
      processes.map((entry) =>
        [
          'npx esbuild --bundle',
          `"${join(projectFolder, entry)}"`,
          `--outfile="${join(packageFolder, basename(entry, '.ts'))}.js"`,
          '--platform=node --target=node24 --format=cjs --minify --main-fields=module,main --log-level=warning',
          ...(nativeModules ?? []).map((name) => `--external:${name}`),
        ].join(' '),
      ),
  },
  environment: {
    npm_config_os: 'linux',
    npm_config_cpu: npmCpu[architecture.name] ?? architecture.name,
    npm_config_libc: 'glibc',
  },
});

/** A Lambda function as all of ours are: arm64, Node.js 24, traced, with a log group that expires. */
export class ServiceFunction extends NodejsFunction {
  /** What the function acts as. */
  readonly executionRole: Role;
  readonly memoryMiB: number;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps) {
    const logGroup = props.logGroup ?? new ServiceLogs(scope, `${id}Logs`, { retention: props.logRetention });
    // Not AWS's managed policy for functions: that one may write every log of the account.
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        // Ends with ":*": the group's streams.
        resources: [logGroup.logGroupArn],
      }),
    );
    for (const statement of props.statements) role.addToPolicy(new PolicyStatement(statement));
    super(scope, id, {
      role,
      logGroup,
      entry: props.entry,
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
    this.executionRole = role;
    this.memoryMiB = props.memoryMiB;
  }
}
