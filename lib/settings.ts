import * as z from 'zod';
import { damagedChoices } from '../lambdas/image/damage.ts';
import { defaultVariants, variantsSchema } from '../lambdas/image/variant.ts';
import { authSchema, linksSchema, uploadPageSchema } from '../lambdas/ingest/auth.ts';
import { corsOriginsSchema } from '../lambdas/ingest/cors.ts';
import { checkContainers, containerSettings } from './containers/settings.ts';
import { costSettings } from './cost/settings.ts';
import { deletionSettings } from './delete/settings.ts';
import { checkRetention, imageSettings } from './image/settings.ts';
import { domainSchema } from './ingest/domain.ts';
import { lakeSettings } from './lake/settings.ts';
import { monitoringSettings } from './monitoring/settings.ts';
import { mailSettings } from './notify/settings.ts';
import { flag, matching, oneOf, orNull, setting, textSetting, wholeNumber } from './setting.ts';
import { warningSettings } from './warnings/settings.ts';
import { describeWrongSettings } from './wrong-settings.ts';

const deploymentSettings = {
  stackName: textSetting(
    matching(/^[A-Za-z][A-Za-z0-9-]{0,127}$/, 'a letter, then letters, digits and hyphens'),
    'ThumbnailGenerator',
  ).describe('Name of the CloudFormation stack; another name deploys an independent copy.'),
  account: textSetting(orNull(matching(/^\d{12}$/, '12 digits')), null).describe(
    'Refuses to deploy with credentials of another account; null deploys to any.',
  ),
  region: textSetting(
    orNull(matching(/^[a-z]{2,}(?:-[a-z]+)+-\d{1,2}$/, 'a region such as us-east-2')),
    null,
  ).describe('Refuses to deploy to another region; null deploys to any.'),
  imagesOnDestroy: textSetting(oneOf(['keep', 'delete']), 'keep').describe(
    'Keeps or deletes the buckets and the catalog, with everything in them, on `cdk destroy`; "keep" also protects the stack from it.',
  ),
  ...warningSettings,
};

const apiSettings = {
  stage: textSetting(matching(/^[A-Za-z0-9_-]{1,64}$/, 'letters, digits, - and _'), 'dev').describe(
    'First segment of the path of the API.',
  ),
  domain: setting(domainSchema, null).describe(
    'Domain name of the API, with a certificate in ACM; null uses the name from API Gateway.',
  ),
  auth: setting(authSchema, 'none').describe('Who may upload and look up images.'),
  links: textSetting(linksSchema, 'public').describe(
    'Permanent links are open to everyone who has one, or require the same authorization as the API.',
  ),
  corsOrigins: setting(corsOriginsSchema, []).describe(
    'Web pages of these origins may use the API and the buckets; others are blocked by the browser.',
  ),
  uploadPage: setting(uploadPageSchema, null).describe(
    'Shows a page for uploads at the address of the API; null shows it where everyone may upload.',
  ),
  // A role that a role has assumed lasts an hour at most.
  urlLifetimeSeconds: setting(wholeNumber(60, 3600), 3600).describe('Time for which a presigned URL works.'),
};

const uploadSettings = {
  // A Lambda invocation carries 6 MiB (Lambda quotas, "Invocation payload"), and base64 adds a third.
  maxInlineBytes: setting(wholeNumber(1024, 4_700_000), 4_700_000).describe(
    'Largest image in one request, in bytes.',
  ),
  maxUploadBytes: setting(wholeNumber(1024, 500_000_000), 100_000_000).describe(
    'Largest image that may be uploaded through a presigned URL, in bytes; the decoder holds it in memory.',
  ),
  uploadsPerSecond: setting(wholeNumber(1, 10_000), 10).describe(
    'Average uploads in a second; the API answers 429 to more.',
  ),
  uploadBurst: setting(wholeNumber(1, 5000), 50).describe('Uploads in a burst above the average.'),
  requestsPerSecond: setting(wholeNumber(1, 10_000), 50).describe(
    'Average requests in a second to each of the other routes.',
  ),
  requestBurst: setting(wholeNumber(1, 5000), 100).describe('Requests in a burst above the average.'),
  maxUploadsPerDay: setting(wholeNumber(1, 1_000_000_000), 100_000).describe(
    'Uploads accepted in a day of UTC, including those of known images; limits the costs of a day.',
  ),
  maxUploadBytesPerDay: setting(wholeNumber(1, 1_000_000_000_000_000), 200_000_000_000).describe(
    'Bytes of uploads accepted in a day of UTC.',
  ),
  maxWaitingCallers: setting(wholeNumber(0, 1000), 2).describe(
    'Callers that may wait for thumbnails at a time (`Prefer: wait`), each in a Lambda function of its own.',
  ),
  // 100 of the account's concurrency must stay unreserved (Lambda quotas); a new account may have no more.
  ingestMaxConcurrency: setting(orNull(wholeNumber(1, 10_000)), null).describe(
    'Concurrency reserved for the ingest function; null reserves none.',
  ),
};

const resizeSettings = {
  variants: setting(variantsSchema, [...defaultVariants], 'a list of 1 to 16 variants').describe(
    'Thumbnails made of each image; `url` shows the first.',
  ),
  // Pixels alone do not limit the work: a PNG of 3 x 4,194,305 px has few, but takes long to decode.
  maxSidePixels: setting(wholeNumber(1, 10_000_000), 16_384).describe('Longest side of an image.'),
  maxPixels: setting(wholeNumber(1, 1_000_000_000), 100_000_000).describe(
    'Width x height of an image or of one frame.',
  ),
  maxFrames: setting(wholeNumber(1, 1_000_000), 2000).describe('Frames of an animation.'),
  maxAnimationPixels: setting(wholeNumber(1, 100_000_000_000), 1_000_000_000).describe(
    'Width x height x frames of an animation.',
  ),
  damaged: textSetting(oneOf(damagedChoices), 'render').describe(
    'Renders what a damaged image shows, or refuses it as `image-corrupt`.',
  ),
  heic: setting(flag(), true).describe(
    'Accepts HEIC, the photos of phones; false refuses them, and leaves their decoder out of the package.',
  ),
  decodeTimeoutSeconds: setting(wholeNumber(1, 50), 20).describe(
    'CPU time that an image may use, from its header to its last thumbnail.',
  ),
  decodeMemoryMiB: setting(wholeNumber(128, 8192), 1280).describe(
    'Memory that decoding an image may use; the resize function gets more memory if it needs it.',
  ),
  // All queues and `maxWaitingCallers` together leave some of the ten functions that a new account may run at
  // a time. Two is the least for a queue (Lambda API Reference, ScalingConfig, `MaximumConcurrency`).
  resizeMaxConcurrency: setting(wholeNumber(2, 1000), 3).describe(
    'Resize functions that run at the same time; other images wait in the queue.',
  ),
  slowResizeMaxConcurrency: setting(wholeNumber(2, 1000), 2).describe(
    'Resize functions for slow images, which have a queue of their own so that they delay no others.',
  ),
};

/** Everything that an operator can set, as context in cdk.json or with `-c name=value`. */
export const settingsSchema = z
  .strictObject({
    ...deploymentSettings,
    ...apiSettings,
    ...uploadSettings,
    ...resizeSettings,
    ...imageSettings,
    ...deletionSettings,
    ...monitoringSettings,
    ...costSettings,
    ...mailSettings,
    ...lakeSettings,
    ...containerSettings,
  })
  .superRefine((settings, { addIssue }) => {
    const refuse = (path: string[], message: string) => addIssue({ code: 'custom', path, message });
    const { maxUploadBytes, maxInlineBytes, maxUploadBytesPerDay } = settings;
    if (maxUploadBytes < maxInlineBytes) {
      refuse(['maxUploadBytes'], `not less than maxInlineBytes (${maxInlineBytes}): lower that as well`);
    }
    const largestUpload = Math.max(maxUploadBytes, maxInlineBytes);
    if (maxUploadBytesPerDay < largestUpload) {
      refuse(['maxUploadBytesPerDay'], `not less than the largest single upload (${largestUpload})`);
    }
    if (settings.uploadPage === true && settings.auth === 'iam') {
      refuse(['uploadPage'], 'needs auth "none" or {"jwt": …}: a page cannot sign requests for "iam"');
    }
    checkRetention(settings, refuse);
    checkContainers(settings, refuse);
  });

export type Settings = Readonly<z.output<typeof settingsSchema>>;

/**
 * Reads the settings from the context of a CDK app.
 *
 * @throws Error naming each setting that is wrong or unknown, its value and the rule
 */
export const readSettings = (context: Readonly<Record<string, unknown>>): Settings => {
  // The keys of CDK contain a colon, an @ or a hyphen; all others are settings, or misspelled.
  const given = Object.fromEntries(Object.entries(context).filter(([key]) => /^[A-Za-z]\w*$/.test(key)));
  const { success, data, error } = settingsSchema.safeParse(given);
  if (success) return data;
  const errors = describeWrongSettings(error.issues, given, Object.keys(settingsSchema.shape));
  throw new Error(`Wrong settings (cdk.json or -c):\n${errors.map((line) => `  ${line}`).join('\n')}`);
};
