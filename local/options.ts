import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { readSettings, type Settings } from '../lib/settings.ts';
import { argumentProblemOf } from './argument-problem.ts';
import { dataFolderOf } from './data-folder.ts';
import { type Ports, portsFrom } from './ports.ts';
import { StartError } from './start-error.ts';

export interface Options {
  /** The settings of a deployment, read from the same place. */
  readonly settings: Settings;
  readonly ports: Ports;
  /** State that outlives the process. */
  readonly dataFolder: string;
  readonly isNpmScript: boolean;
  /** Whether the logs are JSON, as in a deployment. @default - shortened for a person */
  readonly isJsonLog: boolean;
}

const usage = `Usage: npm start -- [--json] [-c name=value]...
       npm run reconcile -- [--dry-run] [-c name=value]...

  -c, --context name=value   a setting, as for cdk deploy; it overrides cdk.json
  --json                     prints the whole log as JSON, as it is where the output is no terminal
  --dry-run                  lists the lost images and changes nothing
  PORT=3100 npm start        the port of the API (1 to 65531); S3, SQS, DynamoDB and mail use the next four`;

/**
 * Reads everything that a run depends on. Like cdk, it reads files from the current folder.
 *
 * @throws StartError naming what is wrong and what is valid
 */
export const readOptions = (
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Options => {
  const { given, isJsonLog } = readArguments(args);
  const ports = readPorts(environment['PORT']);
  return {
    settings: settingsFrom(contextWith(given, usage)),
    ports,
    dataFolder: dataFolderOf(ports.api),
    isNpmScript: environment['npm_lifecycle_event'] !== undefined,
    isJsonLog: isJsonLog || !process.stdout.isTTY,
  };
};

const readArguments = (args: readonly string[]) => {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        context: { type: 'string', short: 'c', multiple: true },
        json: { type: 'boolean', default: false },
      },
    });
    return { given: values.context ?? [], isJsonLog: values.json };
  } catch (error) {
    throw new StartError(`${argumentProblemOf(error)}\n\n${usage}`);
  }
};

/**
 * The context that `cdk deploy` reads: that of cdk.json in the current folder, and what `-c` overrides.
 *
 * @param given each `name=value`
 * @throws StartError with the hint if one is no such pair
 */
export const contextWith = (given: readonly string[], hint: string): Readonly<Record<string, unknown>> => ({
  ...readContext(),
  ...Object.fromEntries(
    given.map((assignment) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
      if (name === undefined || value === undefined) {
        throw new StartError(`-c takes name=value (given ${JSON.stringify(assignment)}).\n\n${hint}`);
      }
      return [name, value];
    }),
  ),
});

/** @throws StartError naming each setting that is wrong */
export const settingsFrom = (context: Readonly<Record<string, unknown>>): Settings =>
  withStartError(() => readSettings(context));

/** @throws StartError if the next four ports would not be valid */
export const readPorts = (text = '3000'): Ports => {
  const api = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (api < 1 || api > 65_531) {
    throw new StartError(`PORT must be a whole number from 1 to 65531 (given ${JSON.stringify(text)}).`);
  }
  return portsFrom(api);
};

const cdkJson = z.object({ context: z.record(z.string(), z.unknown()).default({}) });

const readContext = (): Readonly<Record<string, unknown>> => {
  try {
    return cdkJson.parse(JSON.parse(readFileSync('cdk.json', 'utf8'))).context;
  } catch (error) {
    throw new StartError(`cdk.json cannot be read: ${messageOf(error)}`);
  }
};

/** @throws StartError with the message of any error, which is written for people */
const withStartError = <Result>(read: () => Result): Result => {
  try {
    return read();
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(messageOf(error));
  }
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
