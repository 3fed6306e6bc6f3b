import { sumOf, type Usage } from '../../lib/cost/prices.ts';
import { assumed, eventUsage, fargate, httpApi, lambda, type TaskSize } from '../../lib/cost/usage.ts';
import { ingestMemoryMiB, resizeMemoryMiB } from '../../lib/function-memory.ts';
import { readSettings } from '../../lib/settings.ts';

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
          usage: lambda(resizeSeconds, resizeMemoryMiB(settings, 'fast')),
        },
        { what: 'X-Ray, resize', usage: { traces: assumed.tracedShare } },
      ]
    : [
        { what: 'Workers', usage: fargate(resizeSeconds / 3600, oneVcpu(settings.fargate.worker)) },
        { what: 'Endpoints: bytes', usage: { endpointBytes: assumed.endpointBytes } },
      ];

/** What one image with one thumbnail takes under the default settings, line by line. */
export const imageUsage = (props: ImageUsageProps): readonly CostLine[] => {
  const events = eventUsage(ingestMemoryMiB);
  const { s3Puts, s3Gets, dynamodbWrites, dynamodbReads, logBytes, sqsRequests, snsEvents } = sumOf([
    events['image.received'],
    events['image.ready'],
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
