import { App } from 'aws-cdk-lib';
import { AdoptionStack } from '../lib/adoption-stack.ts';
import { LakeAdoptionStack } from '../lib/lake/lake-adoption-stack.ts';
import { readSettingsOrExit } from './read-settings.ts';

/** The app of `npm run adopt`: what an earlier stack has kept, under the logical ids of the next one. */
const app = new App();
const { stackName, dataLake } = readSettingsOrExit(app);
new AdoptionStack(app, stackName);
if (dataLake) new LakeAdoptionStack(app, `${stackName}DataLake`);
