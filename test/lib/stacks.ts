import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { readSettings } from '../../lib/settings.ts';
import { ThumbnailGeneratorStack } from '../../lib/thumbnail-generator-stack.ts';
import { warningIds } from '../../lib/warnings/settings.ts';

/** The settings that containers need. */
export const inContainers = {
  compute: 'fargate',
  domain: {
    name: 'images.example.com',
    certificateArn: 'arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000',
  },
} as const;

/** Every setting but `compute` has another value than its default. */
export const everySetting = {
  stackName: 'Second',
  stage: 'live',
  variants: [
    {
      name: 'card',
      width: 640,
      height: 480,
      fit: 'cover',
      position: 'attention',
      format: 'avif',
      quality: 45,
    },
    { name: 'icon', width: 64, height: 64, fit: 'contain', background: '#00000000', format: 'png' },
  ],
  maxInlineBytes: 1_000_000,
  maxUploadBytes: 20_000_000,
  maxSidePixels: 8000,
  maxPixels: 40_000_000,
  maxFrames: 100,
  maxAnimationPixels: 200_000_000,
  damaged: 'refuse',
  heic: false,
  decodeTimeoutSeconds: 10,
  decodeMemoryMiB: 2000,
  urlLifetimeSeconds: 900,
  uploadsPerSecond: 2,
  uploadBurst: 3,
  maxUploadsPerDay: 300,
  maxUploadBytesPerDay: 3_000_000_000,
  maxWaitingCallers: 4,
  requestsPerSecond: 5,
  requestBurst: 10,
  ingestMaxConcurrency: 25,
  resizeMaxConcurrency: 4,
  slowResizeMaxConcurrency: 3,
  deletedDays: 14,
  logRetentionDays: 7,
  auth: { jwt: { issuer: 'https://idp.example', audience: ['thumbnails'], ownerClaim: 'oid' } },
  links: 'same',
  email: { from: 'images@example.com', allowedRecipients: ['example.com', 'me@example.org'] },
  alerts: {
    emails: ['day@example.com', 'night@example.com'],
    uploadToReadyGoalSeconds: 5,
    usualImagesPerHour: 200,
  },
  domain: inContainers.domain,
  imagesOnDestroy: 'delete',
  account: '111122223333',
  region: 'eu-west-1',
  tags: { Team: 'media' },
  budget: { monthlyUsd: 50, emails: ['boss@example.com'] },
  acknowledgedWarnings: ['new-account-quotas'],
  retention: { originalDays: 30, imageDays: 400, failedDays: 7 },
  versioning: true,
};

/** The app with settings that override cdk.json; functions are not bundled, and nothing is warned about. */
export const appWith = (given: Readonly<Record<string, unknown>> = {}) => {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8'));
  const outdir = mkdtempSync(join(tmpdir(), 'thumbnail-generator-synth-'));
  const quiet = { acknowledgedWarnings: [...warningIds], 'aws:cdk:bundling-stacks': [] };
  const app = new App({ outdir, context: { ...context, ...quiet, ...given } });
  const settings = readSettings(app.node.getAllContext());
  const stack = new ThumbnailGeneratorStack(app, settings.stackName, { settings });
  return { app, outdir, settings, stack };
};

/** The template of `cdk synth` with settings that override cdk.json. */
export const templateWith = (given: Readonly<Record<string, unknown>> = {}): Template =>
  Template.fromStack(appWith(given).stack);

interface ComparableTemplate {
  readonly Resources: Readonly<Record<string, unknown>>;
}

/** The template without the hashes of assets, which change with every build. */
export const comparable = (template: Template): ComparableTemplate =>
  JSON.parse(JSON.stringify(template.toJSON()).replaceAll(/[0-9a-f]{64}/g, 'ASSET_HASH'));

/** All resources of one type with their properties and logical ids. */
export const resourcesOf = (of: Template, type: string) =>
  Object.entries(of.findResources(type)).map(([name, { Properties }]) => ({ name, ...Properties }));
