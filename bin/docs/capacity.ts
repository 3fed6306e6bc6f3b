import { decodersOf } from '../../lib/containers/settings.ts';
import { assumed } from '../../lib/cost/usage.ts';
import { readSettings } from '../../lib/settings.ts';
import { table } from './table.ts';

const settings = readSettings({});
const { ingest, worker } = settings.fargate;

const secondsPerDay = 86_400;
/** The load at the peak, compared with the average. */
const peakFactor = 2;
const peakImagesPerSecond = (peakFactor * 1_000_000) / secondsPerDay;

const { ingestSeconds, resizeSeconds, photoBytes, tracedShare } = assumed;
const taskSeconds = 1 / assumed.uploadsPerTaskSecond;
const workerSeconds = resizeSeconds / decodersOf(worker);
/** Workers that run on demand although `spot` is on. */
const onDemandShare = 1 / 5;

/** A limit, its default, how much of it one image a second takes, and further cells. */
type Limit = readonly [name: string, standard: number, perImage: number, ...notes: readonly string[]];

const settingLimits: readonly Limit[] = [
  ['`maxUploadsPerDay`', settings.maxUploadsPerDay, secondsPerDay],
  ['`maxUploadBytesPerDay`', settings.maxUploadBytesPerDay, secondsPerDay * photoBytes],
  ['`alerts.usualImagesPerHour`', settings.alerts.usualImagesPerHour, 3600 / peakFactor],
  ['`uploadsPerSecond`', settings.uploadsPerSecond, 1],
  ['`uploadBurst`', settings.uploadBurst, 1],
  ['`requestsPerSecond`', settings.requestsPerSecond, 1],
  ['`resizeMaxConcurrency`', settings.resizeMaxConcurrency, resizeSeconds],
  ['`fargate.ingest.maxTasks`', ingest.maxTasks, taskSeconds],
  ['`fargate.worker.maxTasks`', worker.maxTasks, workerSeconds],
];

const spotVcpuSeconds = workerSeconds * worker.vcpus * (1 - onDemandShare);
const onDemandVcpuSeconds = taskSeconds * ingest.vcpus + workerSeconds * worker.vcpus * onDemandShare;
const warm = 'doubles within 30 minutes of a peak; or [warm it](#dynamodb)';
const split = 'S3 splits prefixes by itself';
const inFlight = '`sqs`; [failures](#when-everything-fails) reach it sooner';

/** Quotas of us-east-2. The numbers refer to the pages of AWS that docs/scaling.md lists. */
const quotas: readonly Limit[] = [
  ['Fargate Spot vCPUs [1]', 6, spotVcpuSeconds, '`fargate`'],
  ['Fargate On-Demand vCPUs [1]', 6, onDemandVcpuSeconds, '`fargate`'],
  [
    'Firehose: requests a second, with `dataLake` [2]',
    1000,
    2,
    'grows by itself, but late; or the form on [2]',
  ],
  ['SNS: messages published a second [3]', 1500, 2, '`sns`'],
  ['DynamoDB: writes a second of a new table [4]', 4000, 3, warm],
  ['DynamoDB: writes a second of a new index [4]', 4000, 2, warm],
  [
    'Lambda: concurrent executions [5]',
    1000,
    ingestSeconds + resizeSeconds,
    '`lambda`, to tens of thousands',
  ],
  ['Load balancer: reserved capacity units [6]', 15_000, (photoBytes * 3600) / 1e9, '`elasticloadbalancing`'],
  ['Load balancer: targets [6]', 1000, taskSeconds, '`elasticloadbalancing`'],
  ['Lambda: concurrency of an SQS event source [7]', 1000, resizeSeconds, 'not by a setting'],
  ['S3: PUTs a second of a prefix [8]', 3500, 1, split],
  ['S3: GETs a second of a prefix [8]', 5500, 1, split],
  ["DynamoDB: writes a second of the index's 16 keys [9]", 16_000, 2, 'more keys, in the code'],
  ['API Gateway: requests a second [10]', 10_000, 1, '`apigateway`'],
  ['X-Ray: segments a second [11]', 2600, 4 * tracedShare, 'cannot be raised'],
  ['DynamoDB: writes a second of a table or index [12]', 40_000, 3, '`dynamodb`'],
  ['SQS: messages in flight [13]', 120_000, resizeSeconds, inFlight],
];

/** Rounds up what is needed; what is left of floating point does not count. */
const whole = (value: number): string => Math.ceil(Number(value.toFixed(6))).toLocaleString('en');

const millions = (value: number): string =>
  value.toLocaleString('en', { maximumFractionDigits: value < 1 ? 2 : 1 });

const tableOf = (limits: readonly Limit[], name: string, ...notes: readonly string[]): string =>
  table(
    [name, 'Default', 'Needed for each million a day', 'Default is enough for, million a day', ...notes],
    limits.map(([limit, standard, perImage, ...rest]) => [
      limit,
      standard.toLocaleString('en'),
      whole(perImage * peakImagesPerSecond),
      millions(standard / perImage / peakImagesPerSecond),
      ...rest,
    ]),
  );

export const settingsCapacityTable = (): string => tableOf(settingLimits, 'Setting');

export const quotasTable = (): string => {
  const inOrder = quotas.toSorted(
    ([, one, perImage], [, other, otherPerImage]) => one / perImage - other / otherPerImage,
  );
  return tableOf(inOrder, 'Quota', 'To raise it');
};
