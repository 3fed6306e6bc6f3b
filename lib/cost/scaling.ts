import { decodersOf, zoneCount } from '../containers/settings.ts';
import { ingestMemoryMiB, resizeMemoryMiB } from '../resize/function-memory.ts';
import { readSettings } from '../settings.ts';
import { prices } from './prices.ts';

const thousand = 1000;
export const million = 1_000_000;
const gigabyte = 1_000_000_000;
const secondsPerDay = 86_400;
const hoursPerMonth = 730;
const daysPerMonth = hoursPerMonth / 24;

/** A request counts once more for each of these (API Gateway pricing, "HTTP APIs"). */
const apiUnitBytes = 512 * 1024;

/** As they are unless somebody changes them: what is not said here is by the defaults. */
const settings = readSettings({});
const { ingest, worker } = settings.fargate;

/** What docs/scaling.md assumes, and where each figure is from. */
export const assumptions = {
  peakFactor: 2,
  photoBytes: 2_000_000,
  smallImageBytes: 200_000,
  announcementBytes: 2000,
  thumbnailBytes: 21_700,
  ingestSeconds: 0.3,
  resizeSeconds: 0.3,
  uploadsPerSecondOfTask: 20,
  /** Workers beyond the first that Spot is not used for, and what Spot costs of the price on demand. */
  onDemandShare: 1 / 5,
  spotPriceShare: 0.3,
  tableWrites: 3,
  /** Of the daily budget, in a table of its own. */
  budgetWrites: 1,
  indexWrites: 2,
  reads: 2,
  queueRequests: 4,
  events: 2,
  logBytes: 4800,
  tracedShare: 0.05,
  endpointBytes: 20_000,
  endpoints: 6,
  insightsMetrics: 65,
} as const;

/**
 * `functions`: with `compute` at `lambda`. `containers`: at `fargate`, by way of the load balancer. `mixed`: at
 * `fargate` as well, but uploads come through the API to its function, and only workers are used.
 */
export type Way = 'functions' | 'containers' | 'mixed';

/** How an image comes. */
export interface Upload {
  /** Of the request: an image, or the announcement of one that goes straight to S3. */
  readonly bodyBytes: number;
  /** How long callers wait for their thumbnails, on average (`Prefer: wait`). @default 0 */
  readonly waitSeconds?: number;
  /** Whether most workers run on Spot. @default - as the setting has it */
  readonly spot?: boolean;
}

/** US dollars for a month with so many images a day. */
export type MonthlyCost = (imagesPerDay: number) => number;

const each =
  (usdPerMillion: number): MonthlyCost =>
  (imagesPerDay) =>
    (usdPerMillion * imagesPerDay * daysPerMonth) / million;

const always =
  (usd: number): MonthlyCost =>
  () =>
    usd;

/** A million calls of a function. */
const millionCalls = (seconds: number, memoryMiB: number): number =>
  prices.lambdaMillionCalls + million * seconds * (memoryMiB / 1024) * prices.lambdaGigabyteSecond;

/** Tasks that run for a month, on demand. */
const tasksForMonth = (
  count: number,
  { vcpus, memoryMiB }: Pick<typeof ingest, 'vcpus' | 'memoryMiB'>,
): number =>
  count * hoursPerMonth * (vcpus * prices.fargateVcpuHour + (memoryMiB / 1024) * prices.fargateGigabyteHour);

const ingestTasksFor = (imagesPerSecond: number): number =>
  Math.max(ingest.minTasks, imagesPerSecond / assumptions.uploadsPerSecondOfTask);

const workersFor = (imagesPerSecond: number): number =>
  Math.max(worker.minTasks, (imagesPerSecond * assumptions.resizeSeconds) / decodersOf(worker));

/** The workers that run on demand: the first one, and their share of the others. */
const onDemandOf = (workers: number): number => 1 + (workers - 1) * assumptions.onDemandShare;

const workersCost =
  (spot: boolean): MonthlyCost =>
  (imagesPerDay) => {
    const workers = workersFor(imagesPerDay / secondsPerDay);
    const onDemand = spot ? onDemandOf(workers) : workers;
    return tasksForMonth(onDemand + (workers - onDemand) * assumptions.spotPriceShare, worker);
  };

/** What is paid for however little comes, besides tasks: endpoints, load balancer, Container Insights. */
const networkForMonth =
  assumptions.endpoints * zoneCount.min * hoursPerMonth * prices.endpointHour +
  hoursPerMonth * (prices.loadBalancerHour + zoneCount.min * prices.publicAddressHour) +
  assumptions.insightsMetrics * prices.metricMonth;

const inEveryWay = {
  'S3: two PUTs, one GET': each((2 * prices.s3ThousandPuts + prices.s3ThousandGets) * thousand),
  DynamoDB: each(
    (assumptions.tableWrites + assumptions.budgetWrites + assumptions.indexWrites) *
      prices.dynamodbMillionWrites +
      assumptions.reads * prices.dynamodbMillionReads,
  ),
  Logs: each((assumptions.logBytes * million * prices.logsGigabyte) / gigabyte),
  SQS: each(assumptions.queueRequests * prices.sqsMillionRequests),
  SNS: each(assumptions.events * prices.snsMillionEvents),
} as const;

const tracing = (functions: number): MonthlyCost =>
  each(functions * assumptions.tracedShare * prices.xrayMillionTraces);

/** What a way costs, service by service. */
export const costsOf = (
  way: Way,
  { bodyBytes, waitSeconds = 0, spot = worker.spot }: Upload,
): Readonly<Record<string, MonthlyCost>> => {
  const throughApi = {
    'API Gateway': each(Math.ceil(bodyBytes / apiUnitBytes) * prices.apiMillionRequests),
    'Ingest function': each(millionCalls(assumptions.ingestSeconds + waitSeconds, ingestMemoryMiB)),
  };
  const byWorkers = {
    Workers: workersCost(spot),
    'Endpoints: bytes': each((assumptions.endpointBytes * million * prices.endpointGigabyte) / gigabyte),
    'Endpoints, load balancer, Container Insights': always(networkForMonth),
  };
  const ingestTasks: MonthlyCost = (imagesPerDay) =>
    tasksForMonth(ingestTasksFor(imagesPerDay / secondsPerDay), ingest);
  switch (way) {
    case 'functions':
      return {
        ...inEveryWay,
        ...throughApi,
        'Resize function': each(millionCalls(assumptions.resizeSeconds, resizeMemoryMiB(settings, 'fast'))),
        'X-Ray': tracing(2),
      };
    case 'containers':
      return {
        ...inEveryWay,
        'Load balancer: bytes': each((bodyBytes * million * prices.loadBalancerGigabyte) / gigabyte),
        'Ingest tasks': ingestTasks,
        ...byWorkers,
      };
    case 'mixed':
      return {
        ...inEveryWay,
        ...throughApi,
        'X-Ray': tracing(1),
        'Ingest tasks, idle': always(ingestTasks(0)),
        ...byWorkers,
      };
  }
};

export const totalOf = (way: Way, upload: Upload): MonthlyCost => {
  const costs = Object.values(costsOf(way, upload));
  return (imagesPerDay) => costs.reduce((total, cost) => total + cost(imagesPerDay), 0);
};

/** So many that neither what is paid for anyway nor the fewest tasks make a difference. */
const mostImagesPerDay = 1_000_000_000;

/** What a million images more cost where there are many. */
export const millionMore = (cost: MonthlyCost): number =>
  ((cost(2 * mostImagesPerDay) - cost(mostImagesPerDay)) * million) / (mostImagesPerDay * daysPerMonth);

/** From how many images a day on one cost is below another; undefined if it never is. */
export const belowFrom = (one: MonthlyCost, other: MonthlyCost): number | undefined => {
  if (one(mostImagesPerDay) >= other(mostImagesPerDay)) return undefined;
  let above = 0;
  let below = mostImagesPerDay;
  while (below - above > 1) {
    const middle = (above + below) / 2;
    if (one(middle) < other(middle)) below = middle;
    else above = middle;
  }
  return below;
};

const containersSave = (upload: Upload): number =>
  millionMore(totalOf('functions', upload)) - millionMore(totalOf('containers', upload));

/** The largest body, in steps of 10 KB, that a million of cost less in containers. */
export const largestBodyForContainers = (spot: boolean): number => {
  let bodyBytes = assumptions.photoBytes;
  while (containersSave({ bodyBytes, spot }) < 0) bodyBytes -= 10_000;
  return bodyBytes;
};

/** What a million calls of the ingest function cost for each second that they wait. */
export const waitUsdPerSecond = millionCalls(1, ingestMemoryMiB) - millionCalls(0, ingestMemoryMiB);

/** How long callers wait on average when photos in bodies cost the same in containers. */
export const evenWaitSeconds = -containersSave({ bodyBytes: assumptions.photoBytes }) / waitUsdPerSecond;

/** New connections that the price of a gigabyte pays for as well (Elastic Load Balancing pricing: 25 a second for an hour). */
const connectionsPerGigabyte = 25 * 3600;

/** The load balancer counts bytes as long as bodies are larger than this, and connections below. */
export const connectionBytes = gigabyte / connectionsPerGigabyte;

export const millionConnectionsUsd = (million / connectionsPerGigabyte) * prices.loadBalancerGigabyte;

/** What the originals, or the thumbnails, of a month of images cost for each month that they are kept. */
export const keptForMonth = (bytes: number): MonthlyCost =>
  each((bytes * million * prices.s3GigabyteMonth) / gigabyte);

/** What runs at once and what comes in a second, at the peak. */
export const needsOf = (imagesPerDay: number) => {
  const perSecond = imagesPerDay / secondsPerDay;
  const peakPerSecond = perSecond * assumptions.peakFactor;
  const workers = Math.ceil(workersFor(peakPerSecond));
  const workersOnDemand = worker.spot ? Math.ceil(onDemandOf(workers)) : workers;
  const ingestTasks = Math.ceil(ingestTasksFor(peakPerSecond));
  return {
    perSecond,
    peakPerSecond,
    ingestFunctions: Math.ceil(peakPerSecond * assumptions.ingestSeconds),
    /** If callers wait for one second on average. */
    waitingFunctions: Math.ceil(peakPerSecond * (assumptions.ingestSeconds + 1)),
    resizeFunctions: Math.ceil(peakPerSecond * assumptions.resizeSeconds),
    ingestTasks,
    workers,
    vcpusOnDemand: ingestTasks * ingest.vcpus + workersOnDemand * worker.vcpus,
    vcpusOnSpot: (workers - workersOnDemand) * worker.vcpus,
    bodyBitsPerSecond: peakPerSecond * assumptions.photoBytes * 8,
  };
};

/** The least that the settings must be raised to for a load; those that suffice as they are stay so. */
export const settingsFor = (imagesPerDay: number) => {
  const { peakPerSecond, resizeFunctions, ingestTasks, workers } = needsOf(imagesPerDay);
  return {
    uploadsPerSecond: Math.max(settings.uploadsPerSecond, Math.ceil(peakPerSecond)),
    uploadBurst: Math.max(settings.uploadBurst, Math.ceil(peakPerSecond)),
    maxUploadsPerDay: Math.max(settings.maxUploadsPerDay, assumptions.peakFactor * imagesPerDay),
    maxUploadBytesPerDay: Math.max(
      settings.maxUploadBytesPerDay,
      assumptions.peakFactor * imagesPerDay * assumptions.photoBytes,
    ),
    resizeMaxConcurrency: Math.max(settings.resizeMaxConcurrency, resizeFunctions),
    fargate: {
      ingest: { maxTasks: Math.max(ingest.maxTasks, ingestTasks) },
      worker: { maxTasks: Math.max(worker.maxTasks, workers) },
    },
    alerts: {
      usualImagesPerHour: Math.max(settings.alerts.usualImagesPerHour, Math.ceil(imagesPerDay / 24)),
    },
  };
};

/** Images a day that a setting lets through, at its default and at its most, if they come evenly. */
const perUnit = (imagesPerSecond: number, unit: { readonly default: number; readonly most: number }) => ({
  ...unit,
  carriesByDefault: unit.default * imagesPerSecond * secondsPerDay,
  carriesAtMost: unit.most * imagesPerSecond * secondsPerDay,
});

export const carriedBy = {
  /** Lets all through, but sets off an alarm above five times as many. */
  'alerts.usualImagesPerHour': perUnit(5 / 3600, {
    default: settings.alerts.usualImagesPerHour,
    most: 10_000_000,
  }),
  maxUploadsPerDay: perUnit(1 / secondsPerDay, { default: settings.maxUploadsPerDay, most: 1_000_000_000 }),
  maxUploadBytesPerDay: perUnit(1 / (assumptions.photoBytes * secondsPerDay), {
    default: settings.maxUploadBytesPerDay,
    most: 1_000_000_000_000_000,
  }),
  uploadsPerSecond: perUnit(1, { default: settings.uploadsPerSecond, most: 10_000 }),
  requestsPerSecond: perUnit(1, { default: settings.requestsPerSecond, most: 10_000 }),
  resizeMaxConcurrency: perUnit(1 / assumptions.resizeSeconds, {
    default: settings.resizeMaxConcurrency,
    most: 1000,
  }),
  'fargate.worker.maxTasks': perUnit(decodersOf(worker) / assumptions.resizeSeconds, {
    default: worker.maxTasks,
    most: 5000,
  }),
  'fargate.ingest.maxTasks': perUnit(assumptions.uploadsPerSecondOfTask, {
    default: ingest.maxTasks,
    most: 5000,
  }),
} as const;

interface Quota {
  /** What there may be at once or in a second, by default in us-east-2. */
  readonly limit: number;
  /** How much of that an image takes: of what is counted at once, the seconds that it takes it for. */
  readonly perImage: number;
}

const vcpuSecondsOfWorker = (assumptions.resizeSeconds / decodersOf(worker)) * worker.vcpus;

/** In the order in which they are reached. docs/scaling.md names the page of AWS that each is from. */
export const quotas = {
  fargateSpotVcpus: { limit: 6, perImage: vcpuSecondsOfWorker * (1 - assumptions.onDemandShare) },
  fargateVcpus: {
    limit: 6,
    perImage:
      ingest.vcpus / assumptions.uploadsPerSecondOfTask + vcpuSecondsOfWorker * assumptions.onDemandShare,
  },
  firehoseRequests: { limit: 1000, perImage: assumptions.events },
  snsPublish: { limit: 1500, perImage: assumptions.events },
  newTableWrites: { limit: 4000, perImage: assumptions.tableWrites },
  lambdaConcurrency: { limit: 1000, perImage: assumptions.ingestSeconds + assumptions.resizeSeconds },
  newIndexWrites: { limit: 4000, perImage: assumptions.indexWrites },
  reservableLcus: { limit: 15_000, perImage: (assumptions.photoBytes * 3600) / gigabyte },
  eventSourceConcurrency: { limit: 1000, perImage: assumptions.resizeSeconds },
  s3Puts: { limit: 3500, perImage: 1 },
  s3Gets: { limit: 5500, perImage: 1 },
  indexParts: { limit: 16 * 1000, perImage: assumptions.indexWrites },
  apiThrottle: { limit: 10_000, perImage: 1 },
  xraySegments: { limit: 2600, perImage: 2 * 2 * assumptions.tracedShare },
  tableWrites: { limit: 40_000, perImage: assumptions.tableWrites },
  targets: { limit: 1000, perImage: 1 / assumptions.uploadsPerSecondOfTask },
  queueInFlight: { limit: 120_000, perImage: assumptions.resizeSeconds },
} as const satisfies Readonly<Record<string, Quota>>;

/** Images a day, with such a peak, for which a quota is enough. */
export const enoughFor = ({ limit, perImage }: Quota): number =>
  (limit / perImage / assumptions.peakFactor) * secondsPerDay;

/** What an image takes of a quota at the peak of a load. */
export const takenOf = ({ perImage }: Quota, imagesPerDay: number): number =>
  needsOf(imagesPerDay).peakPerSecond * perImage;
