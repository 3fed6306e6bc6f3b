import { parseArgs } from 'node:util';
import { reconcileEnvironment } from '../../lambdas/reconcile/environment.ts';
import { wireReconcile } from '../../lambdas/reconcile/wiring.ts';
import { readEnvironment } from '../../lambdas/runtime/environment.ts';
import { createLog } from '../../lambdas/runtime/log.ts';

/** One run of the reconciler. `--dry-run` prints what it would do. */
const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } });
const reconcile = wireReconcile(readEnvironment(reconcileEnvironment));
try {
  const report = await reconcile({ dryRun: values['dry-run'] });
  process.stdout.write(`${JSON.stringify({ message: 'reconciled', ...report })}\n`);
} catch (error) {
  createLog('reconcile').error('reconciliation failed', { error });
  process.exitCode = 1;
}
