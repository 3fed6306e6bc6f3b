import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readSettings } from '../lib/settings.ts';
import { ThumbnailGeneratorStack } from '../lib/thumbnail-generator-stack.ts';

const app = new App();
const settings = readSettings(app.node.getAllContext());
Validations.of(app).addPlugins(new AwsSolutionsChecks());

new ThumbnailGeneratorStack(app, settings.stackName, {
  settings,
  description: 'Thumbnail Generator: POST an image, get a presigned URL of its thumbnail',
});
