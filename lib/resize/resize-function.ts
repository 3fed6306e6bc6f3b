import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { type ResizeEnvironment, resizeFunctionEnvironment } from '../../lambdas/resize/environment.ts';
import type { Lane } from '../../lambdas/resize/lanes.ts';
import { writeEnvironment } from '../../lambdas/runtime/environment.ts';
import { ServiceFunction, type ServiceFunctionProps } from '../constructs/service-function.ts';
import { resizeMemoryMiB } from '../function-memory.ts';
import { type Resize, resizeTimeout } from './resize.ts';

export interface ResizeFunctionProps {
  /** Whether it processes all images, or those that are too slow for the fast lane. */
  readonly lane: Lane;
  readonly resize: Resize;
  /** Functions that run at the same time. */
  readonly maxConcurrency: number;
  readonly logRetention: RetentionDays;
}

/**
 * V8 soon frees the 64 KB buffers in which an original arrives if its young generation is small; Lambda's
 * default is 5 % of the memory. With fewer arenas glibc's allocator returns more.
 */
export const smallHeap = { NODE_OPTIONS: '--max-semi-space-size=1', MALLOC_ARENA_MAX: '2' };

/** The decoder process, its thread for HEIC, and the packages that they load. */
export const decoderModules = ({
  heic,
}: Pick<ResizeEnvironment, 'heic'>): Required<Pick<ServiceFunctionProps, 'nativeModules' | 'processes'>> => ({
  nativeModules: heic ? ['sharp', 'libheif-js'] : ['sharp'],
  processes: [
    'lambdas/resize/decoder/process.ts',
    ...(heic ? ['lambdas/resize/decoder/originals/heic/heic-thread.ts'] : []),
  ],
});

const lanes = {
  fast: { description: 'Makes thumbnails of new originals', eventSource: 'EventSource' },
  slow: { description: 'Makes thumbnails of originals that take long', eventSource: 'SlowEventSource' },
} as const satisfies Record<Lane, object>;

/** Resizes the images of one lane, one message at a time. */
export class ResizeFunction extends ServiceFunction {
  constructor(scope: Construct, id: string, props: ResizeFunctionProps) {
    const { lane, resize, maxConcurrency } = props;
    const queue = resize.queues[lane];
    const environment = writeEnvironment(resizeFunctionEnvironment, { ...resize.environment, lane });
    super(scope, id, {
      entry: 'lambdas/resize/index.ts',
      description: lanes[lane].description,
      environment: { ...environment, ...smallHeap },
      memoryMiB: resizeMemoryMiB(resize.environment, lane),
      timeout: resizeTimeout,
      logRetention: props.logRetention,
      logGroup: resize.logGroup,
      ...decoderModules(resize.environment),
      statements: [
        ...resize.statements,
        ...(lane === 'fast' ? [resize.moveStatement] : []),
        queue.pollStatement,
      ],
    });
    new EventSourceMapping(scope, lanes[lane].eventSource, {
      target: this,
      eventSourceArn: queue.queue.queueArn,
      // A slow image, or one that crashes the function, must not delay another.
      batchSize: 1,
      reportBatchItemFailures: true,
      maxConcurrency,
    });
  }
}
