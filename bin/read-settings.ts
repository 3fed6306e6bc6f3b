import { existsSync, readFileSync } from 'node:fs';
import type { App } from 'aws-cdk-lib';
import * as z from 'zod';
import { readSettings, type Settings } from '../lib/settings.ts';

/**
 * Where the credentials and the region of the CDK command lead to. Both are unknown without credentials. The
 * stack itself must not name them: it would then be another one in each account, with other subnets.
 */
const refuseOtherTarget = ({ account, region }: Settings, environment: NodeJS.ProcessEnv): void => {
  const { CDK_DEFAULT_ACCOUNT, CDK_DEFAULT_REGION } = environment;
  if (account !== null && CDK_DEFAULT_ACCOUNT && CDK_DEFAULT_ACCOUNT !== account) {
    throw new Error(
      `Your credentials are of account ${CDK_DEFAULT_ACCOUNT}, but the setting account is ${account}.`,
    );
  }
  if (region !== null && CDK_DEFAULT_REGION && CDK_DEFAULT_REGION !== region) {
    throw new Error(`Your region is ${CDK_DEFAULT_REGION}, but the setting region is ${region}.`);
  }
};

/** A wrong setting is explained without a stack: the person who typed it can fix it. */
export const readSettingsOrExit = (app: App): Settings => {
  try {
    const settings = readSettings(app.node.getAllContext());
    refuseOtherTarget(settings, process.env);
    return settings;
  } catch (error) {
    console.error(`\n${error instanceof Error ? error.message : error}\n`);
    process.exit(1);
  }
};

/** The context in the cdk.json of the folder in which the CDK command runs. */
export const storedContext = (): Readonly<Record<string, unknown>> => {
  if (!existsSync('cdk.json')) return {};
  const schema = z.looseObject({ context: z.record(z.string(), z.unknown()).default({}) });
  return schema.parse(JSON.parse(readFileSync('cdk.json', 'utf8'))).context;
};
