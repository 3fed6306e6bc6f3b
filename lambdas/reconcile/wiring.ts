import { createCatalog } from '../aws/catalog.ts';
import { createS3Client } from '../aws/clients.ts';
import { createDeletionRequests } from '../aws/deletion-requests.ts';
import { createOriginals } from '../aws/originals.ts';
import { createResizeRequests } from '../aws/resize-requests.ts';
import type { ReconcileEnvironment } from './environment.ts';
import { createReconcile, type Reconcile } from './reconcile.ts';

/** The reconciler, with the resources that the environment names. */
export const wireReconcile = (environment: ReconcileEnvironment): Reconcile =>
  createReconcile({
    catalog: createCatalog(environment.catalogTable),
    originals: createOriginals(createS3Client(), environment.rawBucket),
    resizeRequests: createResizeRequests(environment.resizeQueueUrl),
    slowResizeRequests: createResizeRequests(environment.slowResizeQueueUrl),
    deletionRequests: createDeletionRequests(environment.deleteQueueUrl),
    overdueSeconds: environment.overdueSeconds,
    maxBacklog: environment.maxBacklog,
  });
