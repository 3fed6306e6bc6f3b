import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { DataLakeStack } from '../lib/lake/data-lake-stack.ts';
import { ThumbnailGeneratorStack } from '../lib/thumbnail-generator-stack.ts';
import { warnAboutContext } from '../lib/warnings/warnings.ts';
import { readSettingsOrExit, storedContext } from './read-settings.ts';

const app = new App();
const settings = readSettingsOrExit(app);
Validations.of(app).addPlugins(new AwsSolutionsChecks());

const stack = new ThumbnailGeneratorStack(app, settings.stackName, {
  settings,
  description: 'Thumbnail Generator: POST an image, get a presigned URL of its thumbnail',
});
warnAboutContext(stack, app.node.getAllContext(), storedContext());
if (settings.dataLake) {
  new DataLakeStack(app, `${settings.stackName}DataLake`, {
    settings,
    imageEvents: stack.imageEvents,
    alerts: stack.alerts,
    description: 'Thumbnail Generator data lake: the events of images, for queries in SQL',
  });
}
