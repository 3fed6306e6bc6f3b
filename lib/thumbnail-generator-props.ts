import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type * as z from 'zod';
import type { variantsSchema } from '../lambdas/image/variant.ts';
import type { authSchema, Links } from '../lambdas/ingest/auth.ts';
import type { fargateSchema } from './containers/settings.ts';
import type { Settings } from './settings.ts';
import type { WarningId } from './warnings/settings.ts';

export interface AlertsSettings {
  /** Addresses that get a mail about each alarm; each must confirm the subscription once. @default - none */
  readonly emails?: readonly string[];
  /** Goal: 95 % of images are ready within this many seconds. @default 10 */
  readonly uploadToReadyGoalSeconds?: number;
  /** Usual number of images per hour; an alarm goes off at five times this number. @default 1000 */
  readonly usualImagesPerHour?: number;
}

export interface RetentionSettings {
  /** Days after its upload when an original is removed; its thumbnails stay. @default - never */
  readonly originalDays?: number | null;
  /** Days after its upload when an image is deleted with all that belongs to it. @default - never */
  readonly imageDays?: number | null;
  /** Days after its failure when an image without thumbnails is deleted. @default - as `imageDays` */
  readonly failedDays?: number | null;
}

/** The names and defaults of the settings in docs; `lib/settings.ts` checks the values. */
export interface ThumbnailGeneratorProps {
  /**
   * The name of the API, the beginning of the names of alarms and dashboard, and the metrics' dimension.
   * @default - the names of the stack and of the constructs in it, joined by "-"; `Default` adds nothing
   */
  readonly serviceName?: string;
  /** First segment of the API's path. @default dev */
  readonly stage?: string;
  /** The thumbnails of each image; `url` shows the first one. @default - one WebP inside of 320 x 320 */
  readonly variants?: Readonly<z.input<typeof variantsSchema>>;

  /** Largest image in one request to API Gateway. @default 4_700_000 */
  readonly maxInlineBytes?: number;
  /** Largest image that may be uploaded straight to S3. @default 100_000_000 */
  readonly maxUploadBytes?: number;
  /** Longest side of an image. @default 16_384 */
  readonly maxSidePixels?: number;
  /** Width x height of an image. @default 100_000_000 */
  readonly maxPixels?: number;
  /** Frames of an animation. @default 2000 */
  readonly maxFrames?: number;
  /** Width x height x frames of an animation. @default 1_000_000_000 */
  readonly maxAnimationPixels?: number;
  /** Whether what a damaged image shows is rendered, or the image refused. @default render */
  readonly damaged?: 'render' | 'refuse';
  /** Whether HEIC is accepted. @default true */
  readonly heic?: boolean;
  /** The longest that decoding one image may take. @default 20 */
  readonly decodeTimeoutSeconds?: number;
  /** The most memory that decoding one image may use. @default 1280 */
  readonly decodeMemoryMiB?: number;
  /** How long a presigned URL works; at most an hour. @default 3600 */
  readonly urlLifetimeSeconds?: number;

  /** Who may upload, and read what was uploaded. @default - everyone */
  readonly auth?: z.input<typeof authSchema>;
  /** Web pages of these origins may use the API and the buckets. @default - none */
  readonly corsOrigins?: readonly string[];
  /** Shows a page for uploads at the API's address. @default - where everyone may upload */
  readonly uploadPage?: boolean | null;
  /** Who may use permanent links. @default public */
  readonly links?: Links;
  /** A domain name, with the ARN of a certificate for it. @default - the name of API Gateway */
  readonly domain?: Settings['domain'];

  /** Uploads a second on average; more get 429. @default 10 */
  readonly uploadsPerSecond?: number;
  /** Uploads in a burst above that average. @default 50 */
  readonly uploadBurst?: number;
  /** Requests a second to each other route. @default 50 */
  readonly requestsPerSecond?: number;
  /** Requests in a burst above that average. @default 100 */
  readonly requestBurst?: number;
  /** Uploads in a day of UTC; more get 429. @default 100_000 */
  readonly maxUploadsPerDay?: number;
  /** Bytes of uploads in a day of UTC; more get 429. @default 200_000_000_000 */
  readonly maxUploadBytesPerDay?: number;
  /** Callers that may wait for thumbnails at a time. @default 2 */
  readonly maxWaitingCallers?: number;
  /** Concurrency reserved for the ingest function. @default - none is reserved */
  readonly ingestMaxConcurrency?: number | null;
  /** Resize functions that run at the same time. @default 3 */
  readonly resizeMaxConcurrency?: number;
  /** Resize functions that run at the same time for slow images. @default 2 */
  readonly slowResizeMaxConcurrency?: number;

  /** Days for which the link of a deleted image replies 410. @default 30 */
  readonly deletedDays?: number;

  /** Sends mails to recipients who ask for them. @default - no mails */
  readonly email?: Settings['email'];
  /** Who gets alarms, and the limits of some alarms. @default - no one, and the defaults of each part */
  readonly alerts?: AlertsSettings;
  /** How long logs are kept. @default RetentionDays.ONE_MONTH */
  readonly logRetentionDays?: RetentionDays;
  /** How long originals and images are kept. @default - for ever */
  readonly retention?: RetentionSettings;
  /** Keeps what is removed from the image buckets for 7 more days, except deleted images. @default false */
  readonly versioning?: boolean;
  /** Whether images and their catalog outlive the stack. @default keep */
  readonly imagesOnDestroy?: 'keep' | 'delete';
  /** Warnings that are known and accepted. @default - none, so each is shown */
  readonly acknowledgedWarnings?: readonly WarningId[];

  /** What runs the code: functions of Lambda, or containers behind a load balancer. @default lambda */
  readonly compute?: 'lambda' | 'fargate';
  /** The tasks and the network of `compute: 'fargate'`. @default - the defaults of each part */
  readonly fargate?: z.input<typeof fargateSchema>;
}
