import type { Construct } from 'constructs';
import { WorkQueue, type WorkQueueProps } from '../constructs/work-queue.ts';

/** Receives S3's event of every new original. */
export class ResizeQueue extends WorkQueue {
  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    super(scope, id, props);
    this.acceptBucketEvents();
  }
}
