import { once } from 'node:events';
import { spawnEntry } from './child.ts';
import { readCredentials } from './data-folder.ts';
import { environmentsFor } from './environments.ts';
import { readOptions } from './options.ts';
import { requireServices } from './ports.ts';
import { StartError } from './start-error.ts';

/** One run of the reconciler by hand, against what `npm start` runs. Gives its exit code. */
const reconcile = async (args: readonly string[]): Promise<number> => {
  const dryRun = args.filter((arg) => arg === '--dry-run');
  const { ports, settings, dataFolder } = readOptions(
    args.filter((arg) => arg !== '--dry-run'),
    process.env,
  );
  await requireServices(ports);
  const { reconcile: environment } = environmentsFor(ports, settings, readCredentials(dataFolder));
  const child = spawnEntry({ entry: 'local/workers/reconcile.ts', environment, args: dryRun });
  const [code]: unknown[] = await once(child, 'exit');
  return typeof code === 'number' ? code : 1;
};

try {
  process.exitCode = await reconcile(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof StartError ? `\n${error.message}\n` : error);
  process.exitCode = 1;
}
