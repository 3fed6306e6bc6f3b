import { once } from 'node:events';
import { spawnEntry } from '../local/child.ts';
import { readCredentials } from '../local/data-folder.ts';
import { environmentsFor } from '../local/environments.ts';
import { readOptions } from '../local/options.ts';
import { requireEmulators } from '../local/ports.ts';
import { runCommand } from './commands/command.ts';

const isDryRun = (argument: string): boolean => argument === '--dry-run';

/** Runs the reconciler once against what `npm start` runs. */
await runCommand(async () => {
  const args = process.argv.slice(2);
  const { ports, settings, dataFolder } = readOptions(
    args.filter((argument) => !isDryRun(argument)),
    process.env,
  );
  await requireEmulators(ports);
  const { reconcile: environment } = environmentsFor(ports, settings, readCredentials(dataFolder));
  const child = spawnEntry({
    entry: 'local/workers/reconcile.ts',
    environment,
    args: args.filter(isDryRun),
  });
  const [code]: unknown[] = await once(child, 'exit');
  return typeof code === 'number' ? code : 1;
});
