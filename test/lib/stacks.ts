import { readFileSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { readSettings } from '../../lib/settings.ts';
import { ThumbnailGeneratorStack } from '../../lib/thumbnail-generator-stack.ts';

/** The template that `cdk synth` makes with these settings on top of cdk.json; functions are not bundled. */
export const templateWith = (given: Readonly<Record<string, unknown>> = {}): Template => {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8'));
  const app = new App({ context: { ...context, ...given, 'aws:cdk:bundling-stacks': [] } });
  const settings = readSettings(app.node.getAllContext());
  return Template.fromStack(new ThumbnailGeneratorStack(app, settings.stackName, { settings }));
};

/** The template without what changes with every build: the hashes of its assets. */
export const comparable = (template: Template): unknown =>
  JSON.parse(JSON.stringify(template.toJSON()).replaceAll(/[0-9a-f]{64}/g, 'ASSET_HASH'));
