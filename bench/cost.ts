import { prices } from '../lib/cost/prices.ts';
import { ingestMemoryMiB, resizeMemoryMiB } from '../lib/resize/function-memory.ts';
import { readSettings } from '../lib/settings.ts';

/** What one photo took, as measured. */
export interface PhotoCost {
  readonly bytes: number;
  readonly ingestWallMilliseconds: number;
  readonly ingestCpuMilliseconds: number;
  readonly resizeWallMilliseconds: number;
  readonly resizeCpuMilliseconds: number;
}

/** Dollars for a million such photos, line by line. */
export interface Estimate {
  readonly mode: 'lambda' | 'fargate';
  readonly lines: Readonly<Record<string, number>>;
  readonly usd: number;
}

const million = 1_000_000;
const gigabyte = 1_000_000_000;
/** API Gateway pricing, "HTTP APIs": a request counts once more for each. */
const apiUnitBytes = 512 * 1024;
/** Tasks are busy for this part of the time that is paid for: scaling aims at it. */
const utilisation = 0.6;
/** GB of memory beside each vCPU of a task. */
const gigabytesPerVcpu = 2;

const estimate = (mode: Estimate['mode'], lines: Readonly<Record<string, number>>): Estimate => ({
  mode,
  lines,
  usd: Object.values(lines).reduce((total, usd) => total + usd, 0),
});

/**
 * A million photos, in both modes, at the list prices of docs/cost.md. Time is that of this machine, whose cores are
 * neither Lambda's nor Fargate's, and of services that answer within a millisecond or two; all else is counted.
 */
export const estimatesFor = (photo: PhotoCost): readonly Estimate[] => {
  const inBoth = {
    'S3: two PUTs, one GET': (2 * prices.s3ThousandPuts + prices.s3ThousandGets) * 1000,
    // docs/cost.md: the index counts.
    'DynamoDB: 5 writes, 2 reads': 5 * prices.dynamodbMillionWrites + 2 * prices.dynamodbMillionReads,
    'SQS: 4 requests': 4 * prices.sqsMillionRequests,
    'SNS: 2 events': 2 * prices.snsMillionEvents,
  };
  const lambda = (wallMilliseconds: number, memoryMiB: number): number =>
    prices.lambdaMillionCalls +
    ((million * wallMilliseconds) / 1000) * (memoryMiB / 1024) * prices.lambdaGigabyteSecond;
  const vcpuHour = prices.fargateVcpuHour + gigabytesPerVcpu * prices.fargateGigabyteHour;
  const fargate = (cpuMilliseconds: number): number =>
    ((million * cpuMilliseconds) / 1000 / 3600 / utilisation) * vcpuHour;
  return [
    estimate('lambda', {
      ...inBoth,
      'API Gateway': Math.ceil(photo.bytes / apiUnitBytes) * prices.apiMillionRequests,
      Ingest: lambda(photo.ingestWallMilliseconds, ingestMemoryMiB),
      Resize: lambda(photo.resizeWallMilliseconds, resizeMemoryMiB(readSettings({}), 'fast')),
    }),
    estimate('fargate', {
      ...inBoth,
      'Load balancer': ((million * photo.bytes) / gigabyte) * prices.loadBalancerGigabyte,
      Ingest: fargate(photo.ingestCpuMilliseconds),
      Resize: fargate(photo.resizeCpuMilliseconds),
    }),
  ];
};
