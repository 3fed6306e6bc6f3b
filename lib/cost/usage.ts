import type { ImageEventType } from '../../lambdas/image/event.ts';
import { ingestMemoryMiB, resizeMemoryMiB } from '../resize/function-memory.ts';
import { imageLimitsOf, readSettings } from '../settings.ts';
import { sumOf, type Usage } from './prices.ts';

/** API Gateway counts a request once for each of these that its body has (API Gateway pricing, "HTTP APIs"). */
export const apiUnitBytes = 512 * 1024;

/** The photo and the times that estimates assume; the times are not measured on AWS. */
export const assumed = {
  photoBytes: 2_000_000,
  ingestSeconds: 0.3,
  resizeSeconds: 0.3,
  /** An ingest task of one vCPU receives this many; the scaling starts another task above it. */
  uploadsPerTaskSecond: 20,
  /** The share of requests that X-Ray traces. */
  tracedShare: 0.05,
  /** What a task sends to and receives from AWS for an image, besides S3 and DynamoDB. */
  endpointBytes: 20_000,
};

export const httpApi = (bodyBytes: number, requests = 1): Usage => ({
  apiRequests: requests * Math.max(1, Math.ceil(bodyBytes / apiUnitBytes)),
});

export const lambda = (seconds: number, memoryMiB: number, calls = 1): Usage => ({
  lambdaCalls: calls,
  lambdaGigabyteSeconds: (seconds * memoryMiB) / 1024,
});

export interface TaskSize {
  readonly vcpus: number;
  readonly memoryMiB: number;
}

export const fargate = (taskHours: number, { vcpus, memoryMiB }: TaskSize): Usage => ({
  fargateVcpuHours: taskHours * vcpus,
  fargateGigabyteHours: (taskHours * memoryMiB) / 1024,
});

const inEveryEvent = { lambdaCalls: 1, dynamodbReads: 1, snsEvents: 1, logBytes: 2400 };
const upload = { ...inEveryEvent, ...httpApi(0), ...lambda(assumed.ingestSeconds, ingestMemoryMiB) };
const resized = { ...inEveryEvent, s3Gets: 1, dynamodbWrites: 3, sqsRequests: 4 };

/**
 * What stands behind each event with functions, except the further bytes of a request and the seconds of resize. A write
 * to the catalog counts again for its index, and a new image counts against the daily budget. `image.ready` has one
 * thumbnail.
 */
export const eventUsage: Readonly<Record<ImageEventType, Usage>> = {
  'image.received': { ...upload, s3Puts: 1, dynamodbWrites: 3 },
  'image.duplicate': { ...upload, dynamodbWrites: 1 },
  'image.ready': { ...resized, s3Puts: 1 },
  'image.failed': resized,
  'link.served': { ...inEveryEvent, ...httpApi(0), s3Gets: 1 },
};

/** A line of an estimate. */
export interface CostLine {
  readonly what: string;
  readonly usage: Usage;
}

export interface ImageUsageProps {
  /** What receives the image. */
  readonly ingest: 'function' | 'task';
  /** What makes its thumbnail. */
  readonly resize: 'function' | 'worker';
  /** The size of the request's body: the image, or the announcement of an upload straight to S3. */
  readonly bodyBytes: number;
  /** Seconds that are paid for: of a function, or of a task with one vCPU. @default - as assumed */
  readonly ingestSeconds?: number;
  /** The same for resize. @default - as assumed */
  readonly resizeSeconds?: number;
}

const settings = readSettings({});
const oneVcpu = ({ vcpus, memoryMiB }: TaskSize): TaskSize => ({ vcpus: 1, memoryMiB: memoryMiB / vcpus });

const ingestLines = ({ ingest, bodyBytes, ingestSeconds }: ImageUsageProps): readonly CostLine[] =>
  ingest === 'function'
    ? [
        { what: 'HTTP API', usage: httpApi(bodyBytes) },
        { what: 'Ingest function', usage: lambda(ingestSeconds ?? assumed.ingestSeconds, ingestMemoryMiB) },
        { what: 'X-Ray, ingest', usage: { traces: assumed.tracedShare } },
      ]
    : [
        { what: 'Load balancer: bytes', usage: { loadBalancerBytes: bodyBytes } },
        {
          what: 'Ingest tasks',
          usage: fargate(
            (ingestSeconds ?? 1 / assumed.uploadsPerTaskSecond) / 3600,
            oneVcpu(settings.fargate.ingest),
          ),
        },
      ];

const resizeLines = ({
  resize,
  resizeSeconds = assumed.resizeSeconds,
}: ImageUsageProps): readonly CostLine[] =>
  resize === 'function'
    ? [
        {
          what: 'Resize function',
          usage: lambda(resizeSeconds, resizeMemoryMiB(imageLimitsOf(settings), 'fast')),
        },
        { what: 'X-Ray, resize', usage: { traces: assumed.tracedShare } },
      ]
    : [
        { what: 'Workers', usage: fargate(resizeSeconds / 3600, oneVcpu(settings.fargate.worker)) },
        { what: 'Endpoints: bytes', usage: { endpointBytes: assumed.endpointBytes } },
      ];

/** What one image with one thumbnail takes under the default settings, line by line. */
export const imageUsage = (props: ImageUsageProps): readonly CostLine[] => {
  const { s3Puts, s3Gets, dynamodbWrites, dynamodbReads, logBytes, sqsRequests, snsEvents } = sumOf([
    eventUsage['image.received'],
    eventUsage['image.ready'],
  ]);
  return [
    { what: `S3: ${s3Puts} PUTs, ${s3Gets} GET`, usage: { s3Puts, s3Gets } },
    {
      what: `DynamoDB: ${dynamodbWrites} writes, ${dynamodbReads} reads`,
      usage: { dynamodbWrites, dynamodbReads },
    },
    { what: 'Logs, including metrics', usage: { logBytes } },
    { what: `SQS: ${sqsRequests} requests`, usage: { sqsRequests } },
    { what: `SNS: ${snsEvents} events`, usage: { snsEvents } },
    ...ingestLines(props),
    ...resizeLines(props),
  ];
};

export const totalOf = (lines: readonly CostLine[]): Usage => sumOf(lines.map(({ usage }) => usage));
