import { zoneCount } from '../../lib/containers/settings.ts';
import { prices, sumOf, times, type Usage, usdOf } from '../../lib/cost/prices.ts';
import { assumed, fargate } from '../../lib/cost/usage.ts';
import { readSettings } from '../../lib/settings.ts';
import { alarmUsage } from './alarms.ts';
import { deployments } from './deployments.ts';
import { type CostLine, type ImageUsageProps, imageUsage, totalOf } from './image-usage.ts';
import { dollars, table, tableWithTotal } from './table.ts';
import { bytesStoredByWorstDay, worstDay, worstDayUsd } from './worst-day.ts';

const million = 1_000_000;
const hoursPerMonth = 730;
const minutesPerMonth = hoursPerMonth * 60;
const daysPerMonth = hoursPerMonth / 24;

const settings = readSettings({});
const { ingest, worker } = settings.fargate;

const costTable = (heading: string, lines: readonly CostLine[]): string =>
  tableWithTotal(
    ['', heading],
    lines.map(({ what, usage }) => [what, dollars(usdOf(usage))]),
    ['Total', dollars(usdOf(totalOf(lines)))],
  );

export const pricesTable = (): string =>
  table(
    ['Service', '$', 'For each'],
    Object.values(prices).map(({ service, usd, unit }) => [service, usd, unit]),
  );

const functions = { ingest: 'function', resize: 'function' } as const;
const containers = { ingest: 'task', resize: 'worker' } as const;
const mixed = { ingest: 'function', resize: 'worker' } as const;

const ofMillion = (props: ImageUsageProps): readonly CostLine[] =>
  imageUsage(props).map(({ what, usage }) => ({ what, usage: times(million, usage) }));

const photo = { bodyBytes: assumed.photoBytes };

export const millionUploadsTable = (): string =>
  costTable('$ a million', ofMillion({ ...functions, ...photo }));

export const millionUploadsInContainersTable = (): string =>
  costTable('$ a million', ofMillion({ ...containers, ...photo }));

const thumbnailBytes = 21_700;

export const storageTable = (): string =>
  table(
    ['Kept for a month', '$'],
    [
      ['A million originals of 2 MB', dollars(usdOf({ s3ByteMonths: million * assumed.photoBytes }))],
      ['A million thumbnails of 21.7 KB', dollars(usdOf({ s3ByteMonths: million * thumbnailBytes }))],
    ],
  );

/** Own metrics cost only in hours in which they have data. */
const dashboard: CostLine = { what: 'Dashboard', usage: { dashboardMonths: 1 } };

/**
 * Requests to two empty queues: with long polling each waits for up to 20 s, and Lambda has several pollers.
 */
const idleQueues = (pollsPerMinute: number): CostLine => ({
  what: `SQS: ${pollsPerMinute} requests a minute to each of two empty queues`,
  usage: { sqsRequests: 2 * pollsPerMinute * minutesPerMonth },
});

export const idleTable = (): string =>
  costTable('$ a month', [alarmUsage(deployments.functions), dashboard, idleQueues(15)]);

const zones = zoneCount.min;
const endpointCount = 6;
const endpoints: Usage = { endpointHours: endpointCount * zones * hoursPerMonth };
const publicAddresses: Usage = { publicAddressHours: zones * hoursPerMonth };
const insightsMetrics = 65;
/** Target tracking creates these itself, with ten metrics in all. */
const scalingAlarmMetrics = 10;

/** What stands in containers however few images there are, besides what functions have too. */
const standing: readonly CostLine[] = [
  {
    what: `Ingest tasks: ${ingest.minTasks} of ${ingest.vcpus} vCPU`,
    usage: fargate(ingest.minTasks * hoursPerMonth, ingest),
  },
  {
    what: `Workers: ${worker.minTasks} of ${worker.vcpus} vCPU, on demand`,
    usage: fargate(worker.minTasks * hoursPerMonth, worker),
  },
  { what: `Endpoints: ${endpointCount} in each of two zones`, usage: endpoints },
  {
    what: 'Load balancer and its two public addresses',
    usage: sumOf([{ loadBalancerHours: hoursPerMonth }, publicAddresses]),
  },
  {
    what: `Container Insights: about ${insightsMetrics} metrics`,
    usage: { metricMonths: insightsMetrics },
  },
];

export const idleInContainersTable = (): string =>
  costTable('$ a month', [
    ...standing,
    alarmUsage(deployments.containers),
    { what: 'Alarms of the scaling', usage: { alarmMetricMonths: scalingAlarmMetrics } },
    dashboard,
    idleQueues(20),
  ]);

/**
 * Millions of images a day. The standing tasks count as idle, although they serve images too: containers pay
 * even earlier.
 */
const cheaperFrom = (instead: Usage, than: Usage): string => {
  const saved = usdOf(than) - usdOf(instead);
  return saved <= 0 ? 'never' : (usdOf(totalOf(standing)) / saved / daysPerMonth / million).toFixed(2);
};

const comparedUploads = [
  { images: 'Photos of 2 MB in the body', bodyBytes: assumed.photoBytes, waitSeconds: 0 },
  { images: 'The same, callers wait for 1 s', bodyBytes: assumed.photoBytes, waitSeconds: 1 },
  { images: 'Images of 200 KB in the body', bodyBytes: 200_000, waitSeconds: 0 },
  { images: 'Straight to S3 (`POST /uploads`)', bodyBytes: 2000, waitSeconds: 0 },
];

/** What a million images cost in each way, and from how many a day on containers pay. */
export const breakEvenTable = (): string =>
  table(
    ['$ a million', 'Functions', 'Containers', 'cheaper from', 'API and workers', 'cheaper from'],
    comparedUploads.map(({ images, bodyBytes, waitSeconds }) => {
      const ingestSeconds = assumed.ingestSeconds + waitSeconds;
      const withFunctions = totalOf(imageUsage({ ...functions, bodyBytes, ingestSeconds }));
      const inContainers = totalOf(imageUsage({ ...containers, bodyBytes }));
      const inBoth = totalOf(imageUsage({ ...mixed, bodyBytes, ingestSeconds }));
      const usd = (usage: Usage): string => dollars(usdOf(times(million, usage)));
      return [
        images,
        usd(withFunctions),
        usd(inContainers),
        cheaperFrom(inContainers, withFunctions),
        usd(inBoth),
        cheaperFrom(inBoth, withFunctions),
      ];
    }),
  );

export const endpointsOrNatTable = (): string => {
  const bytes = million * assumed.endpointBytes;
  const nat = sumOf([{ natGatewayHours: zones * hoursPerMonth }, publicAddresses]);
  return table(
    ['Two zones', 'While idle, $ a month', '$ a million uploads'],
    [
      ['Endpoints', dollars(usdOf(endpoints)), dollars(usdOf({ endpointBytes: bytes }))],
      [
        'NAT gateways, each with a public address',
        dollars(usdOf(nat)),
        dollars(usdOf({ natGatewayBytes: bytes })),
      ],
    ],
  );
};

const defaults = readSettings(deployments.functions);
const defaultsInContainers = readSettings(deployments.containers);
const worstDayHead = ['', 'Bounded by', '$ a day'];

export const worstDayTable = (): string =>
  tableWithTotal(
    worstDayHead,
    worstDay(defaults).map(({ what, boundedBy, usage }) => [what, boundedBy, dollars(usdOf(usage))]),
    ['Total', '', dollars(worstDayUsd(defaults))],
  );

/** Only what differs from functions has lines of its own. */
export const worstDayInContainersTable = (): string => {
  const known = new Set(worstDay(defaults).map(({ what }) => what));
  const lines = worstDay(defaultsInContainers);
  const shared = lines.filter(({ what }) => known.has(what));
  return tableWithTotal(
    worstDayHead,
    [
      ...lines
        .filter(({ what }) => !known.has(what))
        .map(({ what, boundedBy, usage }) => [what, boundedBy, dollars(usdOf(usage))]),
      ['The same lines as with functions', '', dollars(usdOf(totalOf(shared)))],
    ],
    ['Total', '', dollars(worstDayUsd(defaultsInContainers))],
  );
};

/** The total alone, for a sentence of another document. */
export const worstDayTotal = (): string => `$${Math.round(worstDayUsd(defaults))}`;

export const worstDayStorageSentence = (): string => {
  const bytes = bytesStoredByWorstDay(defaults);
  const usd = dollars(usdOf({ s3ByteMonths: bytes }));
  return `The ${Math.round(bytes / 1e9)} GB stored by then, with thumbnails of the largest size, cost $${usd} a month until you delete them.`;
};
