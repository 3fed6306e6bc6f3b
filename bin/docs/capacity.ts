import { decodersOf } from '../../lib/containers/settings.ts';
import { assumed } from '../../lib/cost/usage.ts';
import { readSettings } from '../../lib/settings.ts';
import { code, table } from './table.ts';

const settings = readSettings({});
const { ingest, worker } = settings.fargate;

const secondsPerDay = 86_400;
/** How much more comes at the peak than on average. */
const peakFactor = 2;
/** Images a second at the peak of a million a day. */
const peakPerSecond = (peakFactor * 1_000_000) / secondsPerDay;

const workerTasks = assumed.resizeSeconds / decodersOf(worker);
/** The share of workers that Spot is not used for. */
const onDemandShare = 1 / 5;

/** A setting or a quota of AWS in us-east-2, and how much of it one image a second takes. */
interface Limit {
  readonly name: string;
  readonly standard: number;
  readonly perImage: number;
}

const limitOf = (name: string, standard: number, perImage: number): Limit => ({ name, standard, perImage });

const settingLimits: readonly Limit[] = [
  limitOf(code('maxUploadsPerDay'), settings.maxUploadsPerDay, secondsPerDay),
  limitOf(code('maxUploadBytesPerDay'), settings.maxUploadBytesPerDay, secondsPerDay * assumed.photoBytes),
  limitOf(code('alerts.usualImagesPerHour'), settings.alerts.usualImagesPerHour, 3600 / peakFactor),
  limitOf(code('uploadsPerSecond'), settings.uploadsPerSecond, 1),
  limitOf(code('uploadBurst'), settings.uploadBurst, 1),
  limitOf(code('requestsPerSecond'), settings.requestsPerSecond, 1),
  limitOf(code('resizeMaxConcurrency'), settings.resizeMaxConcurrency, assumed.resizeSeconds),
  limitOf(code('fargate.ingest.maxTasks'), ingest.maxTasks, 1 / assumed.uploadsPerTaskSecond),
  limitOf(code('fargate.worker.maxTasks'), worker.maxTasks, workerTasks),
];

interface Quota extends Limit {
  readonly raise: string;
}

const quotas: readonly Quota[] = [
  {
    ...limitOf('Fargate Spot vCPUs [1]', 6, workerTasks * worker.vcpus * (1 - onDemandShare)),
    raise: '`fargate`',
  },
  {
    ...limitOf(
      'Fargate On-Demand vCPUs [1]',
      6,
      ingest.vcpus / assumed.uploadsPerTaskSecond + workerTasks * worker.vcpus * onDemandShare,
    ),
    raise: '`fargate`',
  },
  {
    ...limitOf('Firehose: requests a second, with `dataLake` [2]', 1000, 2),
    raise: 'grows by itself, but later than the load; or the form on [2]',
  },
  { ...limitOf('SNS: messages published a second [3]', 1500, 2), raise: '`sns`' },
  {
    ...limitOf('DynamoDB: writes a second of a new table [4]', 4000, 3),
    raise: 'doubles within 30 minutes of a peak; or [warm it](#dynamodb)',
  },
  {
    ...limitOf('Lambda: concurrent executions [5]', 1000, assumed.ingestSeconds + assumed.resizeSeconds),
    raise: '`lambda`, to tens of thousands',
  },
  { ...limitOf('DynamoDB: writes a second of a new index [4]', 4000, 2), raise: 'like the table' },
  {
    ...limitOf('Load balancer: reserved capacity units [6]', 15_000, (assumed.photoBytes * 3600) / 1e9),
    raise: '`elasticloadbalancing`; only for sudden loads',
  },
  {
    ...limitOf('Lambda: concurrency of an SQS event source [7]', 1000, assumed.resizeSeconds),
    raise: 'not by a setting',
  },
  { ...limitOf('S3: PUTs a second of a prefix [8]', 3500, 1), raise: 'S3 splits prefixes by itself' },
  { ...limitOf('S3: GETs a second of a prefix [8]', 5500, 1), raise: 'like PUTs' },
  {
    ...limitOf("DynamoDB: writes a second of the index's 16 keys [9]", 16_000, 2),
    raise: 'more keys, in the code',
  },
  { ...limitOf('API Gateway: requests a second [10]', 10_000, 1), raise: '`apigateway`' },
  { ...limitOf('X-Ray: segments a second [11]', 2600, 4 * assumed.tracedShare), raise: 'cannot be raised' },
  { ...limitOf('DynamoDB: writes a second of a table or index [12]', 40_000, 3), raise: '`dynamodb`' },
  {
    ...limitOf('Load balancer: targets [6]', 1000, 1 / assumed.uploadsPerTaskSecond),
    raise: '`elasticloadbalancing`',
  },
  {
    ...limitOf('SQS: messages in flight [13]', 120_000, assumed.resizeSeconds),
    raise: '`sqs`; [failures](#when-everything-fails) reach it sooner',
  },
];

const whole = (value: number): string => Math.ceil(Number(value.toFixed(6))).toLocaleString('en');

const millionsOf = (value: number): string =>
  value.toLocaleString('en', { maximumFractionDigits: value < 1 ? 2 : 1 });

const cellsOf = ({ name, standard, perImage }: Limit): readonly string[] => [
  name,
  standard.toLocaleString('en'),
  whole(perImage * peakPerSecond),
  millionsOf(standard / perImage / peakPerSecond),
];

const head = ['Default', 'Needed for each million a day', 'Default is enough for, million a day'];

export const settingsCapacityTable = (): string => table(['Setting', ...head], settingLimits.map(cellsOf));

export const quotasTable = (): string =>
  table(
    ['Quota', ...head, 'To raise it'],
    quotas
      .toSorted((one, other) => one.standard / one.perImage - other.standard / other.perImage)
      .map((quota) => [...cellsOf(quota), quota.raise]),
  );
