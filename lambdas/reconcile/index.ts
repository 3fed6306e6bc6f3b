import { readEnvironment } from '../runtime/environment.ts';
import { createLog } from '../runtime/log.ts';
import { reconcileEnvironment } from './environment.ts';
import type { ReconcileReport } from './reconcile.ts';
import { wireReconcile } from './wiring.ts';

const log = createLog('reconcile');
const reconcile = wireReconcile(readEnvironment(reconcileEnvironment));

/** Invoked by the schedule, or by hand with `{ "dryRun": true }` to only report. */
export const handler = async ({
  dryRun = false,
}: {
  readonly dryRun?: boolean;
}): Promise<ReconcileReport> => {
  const report = await reconcile({ dryRun });
  log.info('reconciled', { ...report });
  return report;
};
