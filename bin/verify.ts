import { readArguments, runCommand, UsageError } from './commands/command.ts';
import { createAwsClients } from './commands/verify/aws.ts';
import { type Group, groups } from './commands/verify/check.ts';
import { checks } from './commands/verify/checks.ts';
import { asJson, exitCodeOf, exitCodes, lineOf, summaryOf } from './commands/verify/report.ts';
import { verify } from './commands/verify/verify.ts';

const usage = `Usage: npm run verify -- --stack NAME [--quick] [--only GROUP,…] [--skip CHECK,…] [--json]

  --stack NAME   verifies this stack, with the region and credentials of the AWS CLI
  --quick        makes only the checks that take seconds: within a minute
  --only GROUP   makes only the checks of these groups: ${groups.join(', ')}
  --skip CHECK   leaves these checks out: --list shows their names
  --url URL      sends requests to the API at this address with the stage, instead of the stack's
  --json         prints the result for programs; "npm run --silent verify -- …" prints nothing else
  --list         lists the checks

  VERIFY_TOKEN   a token of the issuer, where auth is jwt

It uploads images and removes what it created. Without --quick, the subscribers of alerts get a drill.
Exit code: 0 if all checks held, 1 if one failed, 2 if one could not be made.`;

/** The values of an option that takes several, each of which must be known. */
const listOf = (option: string, text: string | undefined, known: readonly string[]): readonly string[] => {
  const values = text?.split(',').map((value) => value.trim()) ?? [];
  const unknown = values.filter((value) => !known.includes(value));
  if (unknown.length === 0) return values;
  throw new UsageError(`${option} has no ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
};

const listing = (): string => {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks
    .map(
      ({ name, quick, description }) => `${name.padEnd(width)} ${quick ? '      ' : '(slow)'} ${description}`,
    )
    .join('\n');
};

const run = async (): Promise<number> => {
  const { values } = readArguments(usage, {
    options: {
      stack: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      skip: { type: 'string' },
      url: { type: 'string' },
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  });
  if (values.list) {
    console.log(listing());
    return exitCodes.allHeld;
  }
  if (values.stack === undefined) throw new UsageError(`Give the name of a stack.\n\n${usage}`);
  const only = listOf('--only', values.only, groups);
  const skip = listOf(
    '--skip',
    values.skip,
    checks.map(({ name }) => name),
  );

  const stopping = new AbortController();
  // Handlers stay installed, because npm forwards a Ctrl-C that the terminal already sent here.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (!stopping.signal.aborted) console.error('Removing what this run created …');
      stopping.abort();
    });
  }
  const report = await verify(
    {
      stackName: values.stack,
      quick: values.quick,
      only: values.only === undefined ? undefined : groups.filter((group: Group) => only.includes(group)),
      skip,
      url: values.url,
      token: process.env['VERIFY_TOKEN'],
    },
    createAwsClients(),
    stopping.signal,
    (result) => {
      if (!values.json) console.log(lineOf(result));
    },
  );
  console.log(values.json ? asJson(report) : summaryOf(report));
  return exitCodeOf(report);
};

await runCommand(run, exitCodes.couldNotRun);
