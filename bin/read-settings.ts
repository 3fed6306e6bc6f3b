import type { App } from 'aws-cdk-lib';
import { readSettings, type Settings } from '../lib/settings.ts';

/** A wrong setting is explained without a stack: the person who typed it can fix it. */
export const readSettingsOrExit = (app: App): Settings => {
  try {
    return readSettings(app.node.getAllContext());
  } catch (error) {
    console.error(`\n${error instanceof Error ? error.message : error}\n`);
    process.exit(1);
  }
};
