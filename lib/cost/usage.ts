import type { ImageEventType } from '../../lambdas/image/event.ts';
import { deletionMemoryMiB } from '../function-memory.ts';
import type { Usage } from './prices.ts';

/**
 * API Gateway counts a request once for each of these that its body has (API Gateway pricing, "HTTP APIs").
 */
export const apiUnitBytes = 512 * 1024;

/** The photo and the times that estimates assume; the times are not measured on AWS. */
export const assumed = {
  photoBytes: 2_000_000,
  ingestSeconds: 0.3,
  resizeSeconds: 0.3,
  deletionSeconds: 0.3,
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

/**
 * What each event uses on Lambda, without the further bytes of a request and the seconds of resize. A write
 * to the catalog counts again for its index, and a new image counts against the daily budget. `image.ready`
 * has one thumbnail.
 */
export const eventUsage = (ingestMemoryMiB: number): Readonly<Record<ImageEventType, Usage>> => {
  const inEveryEvent = { lambdaCalls: 1, dynamodbReads: 1, snsEvents: 1, logBytes: 2400 };
  const upload = { ...inEveryEvent, ...httpApi(0), ...lambda(assumed.ingestSeconds, ingestMemoryMiB) };
  const resized = { ...inEveryEvent, s3Gets: 1, dynamodbWrites: 3, sqsRequests: 4 };
  return {
    'image.received': { ...upload, s3Puts: 1, dynamodbWrites: 3 },
    'image.duplicate': { ...upload, dynamodbWrites: 1 },
    'image.ready': { ...resized, s3Puts: 1 },
    'image.failed': resized,
    'link.served': { ...inEveryEvent, ...httpApi(0), s3Gets: 1 },
    // With one sweep. S3 lists at the price of a PUT, and deletes free of charge (S3 pricing).
    'image.deleted': {
      ...inEveryEvent,
      ...lambda(2 * assumed.deletionSeconds, deletionMemoryMiB, 2),
      s3Puts: 4,
      dynamodbReads: 2,
      dynamodbWrites: 10,
      sqsRequests: 7,
    },
  };
};
