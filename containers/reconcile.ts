import { parseArgs } from 'node:util';
import { readEnvironment } from '../lambdas/environment.ts';
import { reconcileEnvironment } from '../lambdas/reconcile/environment.ts';
import { createReconcileService } from '../lambdas/reconcile/service.ts';

/** One run, to be started on a schedule. `--dry-run` only prints what it would do. */
const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } });
const reconcile = createReconcileService(readEnvironment(reconcileEnvironment));
process.stdout.write(
  `${JSON.stringify({ message: 'reconciled', ...(await reconcile({ dryRun: values['dry-run'] })) })}\n`,
);
