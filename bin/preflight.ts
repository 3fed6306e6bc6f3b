import { contextWith, settingsFrom } from '../local/options.ts';
import { describeAwsError } from './commands/aws-errors.ts';
import { readArguments, runCommand, UsageError } from './commands/command.ts';
import { type Caller, createAccount, readCaller } from './commands/preflight/account.ts';
import { checks } from './commands/preflight/checks.ts';
import { readDocker } from './commands/preflight/docker.ts';
import { asJson, asTable } from './commands/preflight/output.ts';
import { exitCodeOf, makeChecks } from './commands/preflight/preflight.ts';

const usage = `Usage: npm run preflight -- [--json] [-c name=value]...

Reads from the AWS account what would make "cdk deploy" fail or surprise. It changes nothing.

  -c, --context name=value   a setting, as for cdk deploy; it overrides cdk.json
  --json                     prints JSON; "npm run --silent preflight -- --json" prints nothing else

It uses the account and the region of AWS_PROFILE or of AWS_REGION and credentials, as cdk deploy does.

Ends with 0 if nothing is known that would fail, with 1 if something would, and with 2 if nothing would but
not everything could be checked, or for wrong arguments, settings or credentials.`;

const exitCodeOfErrors = 2;

/** @throws UsageError with a plain sentence if there are no usable credentials */
const requireCaller = async (): Promise<Caller> => {
  try {
    // The SDK for JavaScript knows only the first of the two that CDK and the AWS CLI know. A workflow may
    // set one to an empty text.
    return await readCaller(process.env['AWS_REGION'] || process.env['AWS_DEFAULT_REGION'] || undefined);
  } catch (error) {
    throw new UsageError(describeAwsError(error).sentence);
  }
};

await runCommand(async () => {
  const { values } = readArguments(usage, {
    options: {
      context: { type: 'string', short: 'c', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
    },
  });
  const context = contextWith(values.context, usage);
  const settings = settingsFrom(context);
  const caller = await requireCaller();
  const findings = await makeChecks(checks, {
    settings,
    caller,
    account: createAccount(caller.region),
    // CDK's own default.
    bootstrapQualifier: String(context['@aws-cdk/core:bootstrapQualifier'] ?? 'hnb659fds'),
    readDocker: () => readDocker(process.env['CDK_DOCKER']),
    now: new Date(),
  });
  const report = { stackName: settings.stackName, caller, findings };
  process.stdout.write(values.json ? asJson(report) : asTable(report, process.stdout.columns));
  return exitCodeOf(findings);
}, exitCodeOfErrors);
