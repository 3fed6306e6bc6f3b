import type * as z from 'zod';
import { createCatalog } from '../aws/catalog.ts';
import { createS3Client } from '../aws/clients.ts';
import { createOriginals } from '../aws/originals.ts';
import { createResizeRequests } from '../aws/resize-requests.ts';
import type { reconcileEnvironment } from './environment.ts';
import { createReconcile, type Reconcile } from './reconcile.ts';

/** The reconciler, with the resources that the environment names. */
export const wireReconcile = (environment: z.output<typeof reconcileEnvironment>): Reconcile =>
  createReconcile({
    catalog: createCatalog(environment.CATALOG_TABLE),
    originals: createOriginals(createS3Client(), environment.RAW_BUCKET),
    resizeRequests: createResizeRequests(environment.RESIZE_QUEUE_URL),
    slowResizeRequests: createResizeRequests(environment.SLOW_RESIZE_QUEUE_URL),
    overdueSeconds: environment.OVERDUE_SECONDS,
    maxBacklog: environment.MAX_BACKLOG,
  });
