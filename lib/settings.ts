import * as z from 'zod';
import { type ImageLimits, imageLimitsSchema } from '../lambdas/image/limits.ts';
import { defaultVariants, variantsSchema } from '../lambdas/image/variant.ts';
import { authSchema, linksSchema } from '../lambdas/ingest/auth.ts';
import { addressSchema, allowedRecipientsSchema } from '../lambdas/notify/mail-request.ts';
import { decodersOf, domainSchema, fargateSchema } from './containers/settings.ts';
import { workerMemoryMiB } from './function-memory.ts';

/** `-c` gives every value as text: numbers and JSON are read out of it. */
const fromText = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => {
    if (typeof value !== 'string') return value;
    try {
      return JSON.parse(value) as unknown;
    } catch {
      return value;
    }
  }, schema);

/** Retention periods that CloudWatch Logs accepts (PutRetentionPolicy, `retentionInDays`). */
const logRetentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

const limit = imageLimitsSchema.shape;

const mailShape = '{"from": "me@example.com", "allowedRecipients": ["example.com"]}';

const emailSchema = z.strictObject(
  {
    /** Whom mails come from. SES asks the address itself whether it may be used. */
    from: addressSchema,
    /** Addresses and whole domains: a function's environment holds 4 KB (Lambda quotas). */
    allowedRecipients: allowedRecipientsSchema
      .min(1, 'at least one address or domain')
      .max(20, 'at most 20: allow a domain instead of its addresses'),
  },
  { error: ({ code }) => (code === 'invalid_type' ? `expected null or ${mailShape}` : undefined) },
);

const alertsSchema = z.strictObject(
  {
    /** Who is written to when an alarm goes off, and when it is over. Each must confirm it once. */
    emails: z
      .array(addressSchema)
      .refine((emails) => new Set(emails).size === emails.length, 'an address stands twice')
      .default([]),
    /** Within which 95 of 100 images are to be ready once they are uploaded. */
    uploadToReadyGoalSeconds: z.number().min(1).max(3600).default(10),
    /** Five times as many are not usual any more. */
    usualImagesPerHour: z.int().min(1).max(10_000_000).default(1000),
  },
  {
    error: ({ code }) => (code === 'invalid_type' ? 'expected {"emails": ["me@example.com"], …}' : undefined),
  },
);

const settingsShape = {
  /** Name of the CloudFormation stack: another name is another, independent copy. */
  stackName: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/, 'a letter, then letters, digits and hyphens')
    .default('ThumbnailGenerator'),
  /** First segment of the API's path. */
  stage: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'letters, digits, - and _')
    .default('dev'),
  /** What is made of every image; the first one is what `url` shows. */
  variants: fromText(variantsSchema).prefault([...defaultVariants]),
  /**
   * Largest image in one request. A Lambda invocation carries 6 MiB (Lambda quotas, "Invocation payload"), base64 takes
   * a third on top, and the request's headers and context must fit as well.
   */
  maxInlineBytes: fromText(z.int().min(1024).max(4_700_000)).prefault(4_700_000),
  /** Largest image that may be uploaded straight to S3 (`POST /uploads`). The decoder holds it in memory. */
  maxUploadBytes: fromText(limit.maxUploadBytes).prefault(100_000_000),
  /** Longest side of an image. */
  maxSidePixels: fromText(limit.maxSidePixels).prefault(16_384),
  /** Width x height of an image. */
  maxPixels: fromText(limit.maxPixels).prefault(100_000_000),
  /** Frames of an animation, or pages of a TIFF. */
  maxFrames: fromText(limit.maxFrames).prefault(2000),
  /** Width x height x frames of an animation, or pages of a TIFF. */
  maxAnimationPixels: fromText(limit.maxAnimationPixels).prefault(1_000_000_000),
  /** How long an image may take from its header to its last thumbnail. */
  decodeTimeoutSeconds: fromText(limit.decodeTimeoutSeconds).prefault(20),
  /** How much memory decoding an image may take; the function gets more if it must. */
  decodeMemoryMiB: fromText(limit.decodeMemoryMiB).prefault(1280),
  /** How long a presigned URL works. More than an hour is not possible: a role assumed by a role lasts no longer. */
  urlLifetimeSeconds: fromText(z.int().min(60).max(3600)).prefault(3600),
  /** Who may upload, and ask for what was uploaded. */
  auth: fromText(authSchema).prefault('none'),
  /** Permanent links: open to whoever knows them, or guarded as all else is. */
  links: linksSchema.default('public'),
  /** Uploads a second that the API takes on average before it answers 429, and how many at once beyond that. */
  uploadsPerSecond: fromText(z.int().min(1).max(10_000)).prefault(10),
  uploadBurst: fromText(z.int().min(1).max(5000)).prefault(50),
  /**
   * Uploads and announcements that are accepted in a day of UTC, those of known images included, and their
   * bytes. More are answered 429, so that this bounds what a day can cost, and what it stores.
   */
  maxUploadsPerDay: fromText(z.int().min(1).max(1_000_000_000)).prefault(100_000),
  maxUploadBytesPerDay: fromText(z.int().min(1).max(1_000_000_000_000_000)).prefault(200_000_000_000),
  /**
   * Functions that wait at once for the thumbnails of their callers (`Prefer: wait`), so that they do not use
   * up the concurrency of the account, which resize needs. More callers are answered at once. Containers have
   * a limit of their own for each process.
   */
  maxWaitingCallers: fromText(z.int().min(0).max(1000)).prefault(10),
  /** The same for each of the other routes. */
  requestsPerSecond: fromText(z.int().min(1).max(10_000)).prefault(50),
  requestBurst: fromText(z.int().min(1).max(5000)).prefault(100),
  /**
   * Ingest functions that run at once; more requests are answered 503. Reserved from what the account allows in all,
   * of which 100 must stay unreserved (Lambda quotas): null reserves nothing, so that new accounts can deploy.
   */
  ingestMaxConcurrency: fromText(z.int().min(1).max(10_000).nullable()).prefault(null),
  /** Resize functions that run at once; what comes meanwhile waits in the queue. */
  resizeMaxConcurrency: fromText(z.int().min(2).max(1000)).prefault(20),
  /** The same for images that take long: they have a queue of their own, so that the others overtake them. */
  slowResizeMaxConcurrency: fromText(z.int().min(2).max(1000)).prefault(4),
  logRetentionDays: fromText(z.literal(logRetentionDays)).prefault(30),
  /** Mail to whoever asked for it when an image is ready or has failed; null sends none. */
  email: fromText(emailSchema.nullable()).prefault(null),
  /** Who is alerted, and what is out of the ordinary. */
  alerts: fromText(alertsSchema).prefault({}),
  /** Whether all events are kept where they can be asked about in SQL: a stack of its own. */
  dataLake: fromText(z.boolean()).prefault(false),
  /** What runs the code: functions of Lambda, or containers behind a load balancer, for steady and massive load. */
  compute: z.enum(['lambda', 'fargate']).default('lambda'),
  /** The service's own name on the internet; null leaves it with the one that API Gateway makes. */
  domain: fromText(domainSchema.nullable()).prefault(null),
  /** Counts only with `compute` at `fargate`. */
  fargate: fromText(fargateSchema).prefault({}),
  /** What `cdk destroy` does with the images: keep the buckets and the catalog, or delete them with everything in them. */
  imagesOnDestroy: z.enum(['keep', 'delete']).default('keep'),
};

/** Everything that an operator decides, given as context in cdk.json or with `-c name=value`. */
export const settingsSchema = z.strictObject(settingsShape).superRefine((settings, { addIssue }) => {
  const refuse = (path: string[], message: string) => addIssue({ code: 'custom', path, message });
  const { auth, domain, fargate, maxUploadBytes } = settings;
  const largestUpload = Math.max(maxUploadBytes, settings.maxInlineBytes);
  if (settings.maxUploadBytesPerDay < largestUpload) {
    refuse(['maxUploadBytesPerDay'], `not less than the largest single upload (${largestUpload})`);
  }
  if (settings.compute !== 'fargate') return;
  if (domain === null) {
    refuse(
      ['domain'],
      'compute "fargate" needs one: its load balancer speaks HTTPS only, with a certificate for it',
    );
  }
  if (auth === 'iam') {
    refuse(
      ['auth'],
      'with compute "fargate" "none" or {"jwt": …}: only API Gateway can check signatures of IAM',
    );
  } else if (auth !== 'none' && !fargate.natGateway) {
    refuse(
      ['fargate', 'natGateway'],
      'true with auth {"jwt": …}: the tasks fetch the keys of the issuer over the internet',
    );
  }
  if (fargate.maxInlineBytes > maxUploadBytes) {
    refuse(
      ['fargate', 'maxInlineBytes'],
      `not more than maxUploadBytes (${maxUploadBytes}), which resize takes`,
    );
  }
  const { vcpus, memoryMiB } = fargate.worker;
  const neededMiB = workerMemoryMiB(settings, decodersOf(fargate.worker));
  if (memoryMiB < neededMiB) {
    refuse(
      ['fargate', 'worker', 'memoryMiB'],
      `at least ${neededMiB} for the decoders of ${vcpus} vCPU with decodeMemoryMiB (${settings.decodeMemoryMiB}) each`,
    );
  }
});

export type Settings = Readonly<z.output<typeof settingsSchema>>;
export type EmailSettings = NonNullable<Settings['email']>;

export const imageLimitsOf = (settings: Settings): ImageLimits => imageLimitsSchema.parse(settings);

/**
 * Reads the settings out of a CDK app's context.
 *
 * @throws Error naming each setting that is wrong or unknown, its value and the rule
 */
export const readSettings = (context: Readonly<Record<string, unknown>>): Settings => {
  // CDK's own context keys hold a colon, an @ or a hyphen; what is left is meant for us, or misspelt.
  const given = Object.fromEntries(Object.entries(context).filter(([key]) => /^[A-Za-z]\w*$/.test(key)));
  const { success, data, error } = settingsSchema.safeParse(given);
  if (success) return data;
  const wrong = error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys' && issue.path.length === 0) {
      return `${issue.keys.join(', ')}: no such setting. There are ${Object.keys(settingsSchema.shape).join(', ')}.`;
    }
    const [setting = '', ...rest] = issue.path;
    return `${[setting, ...rest].join('.')} = ${JSON.stringify(given[String(setting)] ?? null)}: ${issue.message}`;
  });
  throw new Error(`Wrong settings (cdk.json or -c):\n${wrong.map((line) => `  ${line}`).join('\n')}`);
};
