import { readFileSync, writeFileSync } from 'node:fs';
import { isImageId } from '../lambdas/image/id.ts';
import { readPorts } from '../local/options.ts';
import { requireEmulators } from '../local/ports.ts';
import { readArguments, runCommand, UsageError } from './commands/command.ts';
import { type DeletedImage, deleteImages } from './commands/delete/delete-images.ts';
import { localPlace, type Place, placeOfStack } from './commands/delete/place.ts';
import { createProgress } from './commands/progress.ts';

const usage = `Usage: npm run delete -- [--stack NAME] [--dry-run] [--report FILE] ID...
       npm run delete -- [--stack NAME] [--dry-run] [--report FILE] --ids-from FILE

  ID              the id of an image: 64 hexadecimal digits, the SHA-256 of its bytes
  --ids-from FILE reads the ids from a file, one in each line
  --stack NAME    deletes images of this stack, with the region and credentials of the AWS CLI;
                  without it, those of npm start (on PORT if set)
  --report FILE   also writes what was done to a file, as JSON
  --dry-run       says what would be deleted, and changes nothing

It deletes images whoever uploaded them, and ends once nothing of them is left. If it is interrupted, run it
again. It exits with 0 if every image is deleted, and with 1 if one is not.`;

/** A deletion takes less than a second; the message of a killed worker is delivered again in 6 minutes. */
const waitSeconds = 900;

const linesOf = (file: string): readonly string[] => {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
};

/** @throws UsageError naming the first one that is no id */
const idsOf = (given: readonly string[]): readonly string[] => {
  if (given.length === 0) throw new UsageError(`Name at least one image.\n\n${usage}`);
  const wrong = given.find((text) => !isImageId(text));
  if (wrong !== undefined) {
    throw new UsageError(`${JSON.stringify(wrong)} is no id: expected 64 lower-case hexadecimal digits.`);
  }
  return [...new Set(given)];
};

const placeOf = async (stackName: string | undefined): Promise<Place> => {
  if (stackName !== undefined) return placeOfStack(stackName);
  const ports = readPorts(process.env['PORT']);
  await requireEmulators(ports);
  return localPlace(ports);
};

const print = (images: readonly DeletedImage[]): void => {
  for (const { id, result } of images) console.log(`${id} ${result}`);
};

await runCommand(async () => {
  const { values, positionals } = readArguments(usage, {
    allowPositionals: true,
    options: {
      stack: { type: 'string' },
      'ids-from': { type: 'string' },
      report: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const file = values['ids-from'];
  const ids = idsOf([...positionals, ...(file === undefined ? [] : linesOf(file))]);
  const stopping = new AbortController();
  // Handlers stay installed, because npm forwards a Ctrl-C that the terminal already sent here.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());

  const startedAt = new Date().toISOString();
  const progress = createProgress({
    name: 'delete',
    total: ids.length,
    describe: (done) => `${done} of ${ids.length}`,
  });
  let images: readonly DeletedImage[];
  try {
    images = await deleteImages({
      ...(await placeOf(values.stack)),
      ids,
      isDryRun: values['dry-run'],
      waitSeconds,
      stopping: stopping.signal,
      onProgress: progress.show,
    });
  } finally {
    progress.end();
  }
  print(images);
  if (values.report !== undefined) {
    const report = { stack: values.stack ?? 'npm start', dryRun: values['dry-run'], startedAt };
    const text = JSON.stringify({ ...report, endedAt: new Date().toISOString(), images }, undefined, 2);
    writeFileSync(values.report, `${text}\n`);
  }
  return images.some(({ result }) => result === 'unfinished') ? 1 : 0;
});
