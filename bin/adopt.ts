import { App } from 'aws-cdk-lib';
import { AdoptionStack } from '../lib/adoption-stack.ts';
import { LakeAdoptionStack } from '../lib/lake/lake-adoption-stack.ts';
import { readSettingsOrExit } from './read-settings.ts';

/** The app of `npm run adopt`: what an earlier stack has kept, under the logical ids of the next one. */
const app = new App();
const settings = readSettingsOrExit(app);
new AdoptionStack(app, settings.stackName, { settings });
if (settings.dataLake) new LakeAdoptionStack(app, `${settings.stackName}DataLake`);
