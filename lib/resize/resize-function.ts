import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { resizeFunctionEnvironment } from '../../lambdas/resize/environment.ts';
import type { Lane } from '../../lambdas/resize/lanes.ts';
import { writeEnvironment } from '../../lambdas/runtime/environment.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import { resizeMemoryMiB } from './function-memory.ts';
import { type Resize, resizeTimeout } from './resize.ts';

export interface ResizeFunctionProps {
  /** Whether it takes every image, or those that the other function found too slow. */
  readonly lane: Lane;
  readonly queue: IQueue;
  /** Functions that run at once. */
  readonly maxConcurrency: number;
  readonly logRetention: RetentionDays;
  /** Where it logs. @default - a group of its own */
  readonly logGroup?: ILogGroup;
}

/**
 * An original arrives in buffers of 64 KB, which V8 soon frees if its young generation is small. Lambda sets a size of its own,
 * 5 % of the memory, only if none is set. Fewer arenas of glibc's allocator keep less of what is freed. With both, the function
 * holds 116 MiB after 800 small images instead of 212, its decoder 101 instead of 113, and 4 MB cost 73 instead of 77 ms of CPU.
 */
export const smallHeap = { NODE_OPTIONS: '--max-semi-space-size=1', MALLOC_ARENA_MAX: '2' };

const lanes = {
  fast: { description: 'Makes thumbnails of new originals', eventSource: 'EventSource' },
  slow: { description: 'Makes thumbnails of originals that take long', eventSource: 'SlowEventSource' },
} as const satisfies Record<Lane, object>;

/** Resizes as a Lambda function, which Lambda gives one message after the other. */
export class ResizeFunction extends ServiceFunction {
  constructor(resize: Resize, id: string, props: ResizeFunctionProps) {
    const { lane, queue, maxConcurrency } = props;
    const environment = writeEnvironment(resizeFunctionEnvironment, { ...resize.environment, lane });
    super(resize, id, {
      entry: 'lambdas/resize/index.ts',
      description: lanes[lane].description,
      environment: { ...environment, ...smallHeap },
      memoryMiB: resizeMemoryMiB(resize.environment, lane),
      timeout: resizeTimeout,
      logRetention: props.logRetention,
      logGroup: props.logGroup,
      nativeModules: ['sharp'],
      processes: ['lambdas/resize/decoder-process.ts'],
      statements: [
        ...resize.statements,
        ...(lane === 'fast' ? [resize.moveStatement] : []),
        // Lambda Developer Guide, "Execution role permissions" of SQS event sources: what Lambda polls with.
        {
          actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
          resources: [queue.queueArn],
        },
      ],
    });
    new EventSourceMapping(resize, lanes[lane].eventSource, {
      target: this,
      eventSourceArn: queue.queueArn,
      // An image that takes long, or a function that dies of it, delays no other.
      batchSize: 1,
      reportBatchItemFailures: true,
      maxConcurrency,
    });
  }
}
