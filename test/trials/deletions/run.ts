import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { createS3Client } from '../../../lambdas/aws/clients.ts';
import { createDeletionRequests } from '../../../lambdas/aws/deletion-requests.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { resources } from '../../../local/aws.ts';
import { endpointOf } from '../../../local/ports.ts';
import { accountOf } from '../../local/aws-clients.ts';
import { holds } from '../faults/outcome.ts';
import { anySeed, readOptions, wholeOption } from '../options.ts';
import { createRandom } from '../random.ts';
import { createProgress, report, zero } from '../report.ts';
import { type Stack, startStack } from '../stack.ts';
import { runClients, type TrialImage } from './client.ts';
import { endingsOf } from './model.ts';
import { createPlan, type Kill } from './plan.ts';
import { checkStores, isQuiet } from './stores.ts';

const usage = `Usage: npm run test:deletions -- [options]

Uploads, deletes and visits a few images from many clients at the same time, while processes are killed. At the
end all stores must agree, and nothing of a deleted image may be left.

  --short          250 operations and 8 kills: about two minutes
  --operations N   how many uploads, deletions and visits: 4000, or 250 with --short
  --kills N        kills of ingest, resize and delete workers: 100, or 8 with --short
  --images N       how many images: 40
  --clients N      how many clients at the same time: 12
  --seed N         repeats a plan
  --help           this text`;

const options = readOptions(usage, {
  short: { type: 'boolean', default: false },
  operations: { type: 'string' },
  kills: { type: 'string' },
  images: { type: 'string', default: '40' },
  clients: { type: 'string', default: '12' },
  seed: { type: 'string' },
});
const { short: isShort } = options;
const operations = wholeOption('operations', options.operations ?? (isShort ? '250' : '4000'), 1, 1_000_000);
const kills = wholeOption('kills', options.kills ?? (isShort ? '8' : '100'), 0, 10_000);
const imageCount = wholeOption('images', options.images, 1, 500);
const clients = wholeOption('clients', options.clients, 1, 100);
const seed = wholeOption('seed', options.seed ?? anySeed(), 0, 2 ** 32 - 1);

/** A message becomes a dead letter after its fifth receive, and kills alone must not cause that. */
const visibilityTimeoutSeconds = 4;
const reconcileSeconds = 10;
/** A killed worker's lease ends after a minute, and its image is looked at a minute later. */
const quietMilliseconds = 180_000;

console.log(`seed ${seed}${isShort ? ', short' : ''}`);
const startedAt = performance.now();
const random = createRandom(seed);
/** Large enough that a deletion can come while it is resized. */
const largerImage = (): Promise<Buffer> =>
  sharp(random.bytes(120 * 90 * 3), { raw: { width: 120, height: 90, channels: 3 } })
    .resize({ width: 1200, kernel: 'nearest' })
    .png({ compressionLevel: 1 })
    .toBuffer();
const images: readonly TrialImage[] = await Promise.all(
  Array.from({ length: imageCount }, async () => {
    const bytes = await largerImage();
    return { bytes, id: imageIdOf(bytes) };
  }),
);
const plan = createPlan(random, { operations, images: imageCount, clients, kills });

const killAll = async (stack: Stack, all: readonly Kill[]): Promise<void> => {
  for (const { role, pauseMilliseconds } of all) {
    await sleep(pauseMilliseconds);
    const names = stack.names.filter((name) => name === role || name.startsWith(`${role}-`));
    await stack.kill(random.pick(names));
  }
};

const stack = await startStack({ visibilityTimeoutSeconds, workers: 2, deleters: 2, reconcileSeconds });
try {
  const { aws, ports, apiUrl } = stack;
  const s3 = createS3Client({ ...accountOf(stack), endpoint: endpointOf(ports.s3), forcePathStyle: true });
  const deletionRequests = createDeletionRequests(aws.urlOf(resources.deleteQueue), aws.sqs);
  const ids = images.map(({ id }) => id);

  const progress = createProgress('operations', operations);
  let done = 0;
  const onStep = (): void => {
    done += 1;
    progress(done);
  };
  const [{ changes, counts, problems }] = await Promise.all([
    runClients(plan, { apiUrl, aws, deletionRequests, images, onStep }),
    killAll(stack, plan.kills),
  ]);
  const becameQuiet = await holds(() => isQuiet(aws, ids), quietMilliseconds);
  const stores = await checkStores({ aws, s3, ids, endings: changes.map(endingsOf) });

  const all = [...problems, ...stores.problems];
  for (const problem of all) console.log(`  ${problem}`);
  if (all.length > 0) console.log(`The log of all processes: ${stack.logFile}`);
  report(`Deletions, seed ${seed}, ${Math.round((performance.now() - startedAt) / 1000)} s`, [
    { name: 'operations', value: done, must: { be: String(operations), holds: done === operations } },
    { name: 'kills', value: plan.kills.length },
    ...Object.entries(counts)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, value]) => ({ name, value })),
    { name: 'images ready at the end', value: stores.endings.ready },
    { name: 'images deleted at the end', value: stores.endings.deleted },
    { name: 'all work ended', value: String(becameQuiet), must: { be: 'true', holds: becameQuiet } },
    zero('wrong replies', problems.length),
    zero('differences between the stores and the model', stores.problems.length),
    zero('unexpected deaths', stack.deaths().length),
    zero('lines that leak', stack.leaks().length),
  ]);
} finally {
  await stack.stop();
}
