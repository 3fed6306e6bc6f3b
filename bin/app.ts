import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { DataLakeStack } from '../lib/lake/data-lake-stack.ts';
import { readSettings, type Settings } from '../lib/settings.ts';
import { ThumbnailGeneratorStack } from '../lib/thumbnail-generator-stack.ts';

/** A wrong setting is explained without a stack: the person who typed it can fix it. */
const readSettingsOrExit = (context: Readonly<Record<string, unknown>>): Settings => {
  try {
    return readSettings(context);
  } catch (error) {
    console.error(`\n${error instanceof Error ? error.message : error}\n`);
    process.exit(1);
  }
};

const app = new App();
const settings = readSettingsOrExit(app.node.getAllContext());
Validations.of(app).addPlugins(new AwsSolutionsChecks());

const { imageEvents, alerts } = new ThumbnailGeneratorStack(app, settings.stackName, {
  settings,
  description: 'Thumbnail Generator: POST an image, get a presigned URL of its thumbnail',
});
if (settings.dataLake) {
  new DataLakeStack(app, `${settings.stackName}DataLake`, {
    settings,
    imageEvents,
    alerts,
    description: 'Thumbnail Generator data lake: the events of images, for queries in SQL',
  });
}
