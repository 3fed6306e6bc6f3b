import { Logger } from '@aws-lambda-powertools/logger';
import { readEnvironment } from '../environment.ts';
import { reconcileEnvironment } from './environment.ts';
import type { ReconcileReport } from './reconcile.ts';
import { createReconcileService } from './service.ts';

const log = new Logger({ serviceName: 'reconcile' });
const reconcile = createReconcileService(readEnvironment(reconcileEnvironment));

/** Started by the schedule, or by hand with `{ "dryRun": true }` to see what it would do. */
export const handler = async ({
  dryRun = false,
}: {
  readonly dryRun?: boolean;
}): Promise<ReconcileReport> => {
  const report = await reconcile({ dryRun });
  log.info('reconciled', { ...report });
  return report;
};
