import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { createS3Client } from '../../../lambdas/aws/clients.ts';
import { createDeletionRequests } from '../../../lambdas/aws/deletion-requests.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { ownerOfSubject } from '../../../lambdas/owners/owner.ts';
import { createTurns } from '../../../lambdas/runtime/turns.ts';
import { resources } from '../../../local/aws.ts';
import { endpointOf } from '../../../local/ports.ts';
import { startIssuer } from '../../issuer.ts';
import { accountOf } from '../../local/aws-clients.ts';
import { holds } from '../faults/outcome.ts';
import { anySeed, readOptions, wholeOption } from '../options.ts';
import { createRandom } from '../random.ts';
import { createProgress, type Figure, report, zero } from '../report.ts';
import { type Stack, startStack } from '../stack.ts';
import { runClients, type TrialImage } from './client.ts';
import { createPlan, type Kill } from './plan.ts';
import { checkStores, isQuiet, type TrialOwner } from './stores.ts';

const usage = `Usage: npm run test:deletions -- [options]

Many clients upload, delete and visit a few images at the same time, while processes are killed: with anonymous
callers, whose images the operator deletes, and with known callers, who own their images and delete them. At the
end all stores must agree, and nothing of a deleted image may be left.

  --short          400 operations and 12 kills: about two minutes
  --operations N   how many operations, half of them with known callers: 8000, or 400 with --short
  --kills N        kills of ingest, resize and delete workers: 200, or 12 with --short
  --images N       how many images, the same number for both: 40, or 20 with --short
  --clients N      how many clients at the same time, for each: 12
  --owners N       how many owners the known callers are: 4
  --only MODE      only with callers who are "anonymous" or "known"
  --seed N         repeats a plan
  --help           this text`;

const options = readOptions(usage, {
  short: { type: 'boolean', default: false },
  operations: { type: 'string' },
  kills: { type: 'string' },
  images: { type: 'string' },
  clients: { type: 'string', default: '12' },
  owners: { type: 'string', default: '4' },
  only: { type: 'string' },
  seed: { type: 'string' },
});
const { short: isShort } = options;
const operations = wholeOption('operations', options.operations ?? (isShort ? '400' : '8000'), 1, 1_000_000);
const kills = wholeOption('kills', options.kills ?? (isShort ? '12' : '200'), 0, 10_000);
const imageCount = wholeOption('images', options.images ?? (isShort ? '20' : '40'), 1, 500);
const clients = wholeOption('clients', options.clients, 1, 100);
const owners = wholeOption('owners', options.owners, 1, 100);
const seed = wholeOption('seed', options.seed ?? anySeed(), 0, 2 ** 32 - 1);

/**
 * A message becomes a dead letter after its fifth receive. Kills alone must not cause that, nor a busy
 * machine, on which a resize takes seconds.
 */
const visibilityTimeoutSeconds = 10;
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

const modes = ['anonymous', 'known'] as const;
const { only } = options;
const chosen = modes.filter((mode) => only === undefined || mode === only);
if (chosen.length === 0) {
  console.error(`--only must be "anonymous" or "known" (given ${JSON.stringify(only)}).`);
  process.exit(2);
}
const share = (total: number): number => Math.ceil(total / chosen.length);

/** Kills each one when its time has come, counted in operations: not all at the start of a busy machine. */
const killAll = async (stack: Stack, all: readonly Kill[], done: () => number): Promise<void> => {
  for (const { role, operations: dueAt } of all.toSorted((one, other) => one.operations - other.operations)) {
    while (done() < dueAt) await sleep(50);
    const names = stack.names.filter((name) => name === role || name.startsWith(`${role}-`));
    await stack.kill(random.pick(names));
  }
};

/** Known callers have an issuer, and one token each for the whole trial. */
const callersOf = async (mode: (typeof modes)[number]) => {
  if (mode === 'anonymous') return undefined;
  const issuer = await startIssuer();
  const people = await Promise.all(
    Array.from({ length: owners }, async (_, number): Promise<TrialOwner> => {
      const sub = `person ${number}`;
      return {
        owner: ownerOfSubject(issuer.issuer, sub),
        token: await issuer.token({ sub }, { expires: '6h' }),
      };
    }),
  );
  return { issuer, people };
};

const progress = createProgress('operations', share(operations) * chosen.length);
let done = 0;

/** Many processes that start at once may take longer than is waited for them. */
const oneAtATime = createTurns(1);

const runMode = async (mode: (typeof modes)[number]): Promise<readonly Figure[]> => {
  const callers = await callersOf(mode);
  const people = callers?.people;
  const plan = createPlan(random, {
    operations: share(operations),
    images: imageCount,
    clients,
    kills: share(kills),
    owners: people?.length,
  });
  let doneOfMode = 0;
  const onStep = (): void => {
    done += 1;
    doneOfMode += 1;
    progress(done);
  };
  const auth = callers && { jwt: { issuer: callers.issuer.issuer, audience: ['thumbnails'] } };
  const stack = await oneAtATime(() =>
    startStack({
      settings: auth ? { auth } : {},
      visibilityTimeoutSeconds,
      workers: 2,
      deleters: 2,
      reconcileSeconds,
    }),
  );
  try {
    const { aws, ports, apiUrl } = stack;
    const s3 = createS3Client({ ...accountOf(stack), endpoint: endpointOf(ports.s3), forcePathStyle: true });
    const deletionRequests = createDeletionRequests(aws.urlOf(resources.deleteQueue), aws.sqs);
    const ids = images.map(({ id }) => id);
    const tokens = people?.map(({ token }) => token);
    const [{ changes, counts, problems }] = await Promise.all([
      runClients(plan, { apiUrl, aws, s3, deletionRequests, images, tokens, onStep }),
      killAll(stack, plan.kills, () => doneOfMode),
    ]);
    const stores = { aws, s3, apiUrl, ids, owners: people };
    const becameQuiet = await holds(() => isQuiet(stores), quietMilliseconds);
    const result = await checkStores({ ...stores, changes });

    const all = [...problems, ...result.problems];
    for (const problem of all) console.log(`  ${mode}: ${problem}`);
    if (all.length > 0) console.log(`The log of all processes: ${stack.logFile}`);
    return [
      { name: 'kills', value: plan.kills.length },
      ...Object.entries(counts)
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(([name, value]) => ({ name, value })),
      { name: 'images ready at the end', value: result.endings.ready },
      { name: 'images deleted at the end', value: result.endings.deleted },
      ...(people ? [{ name: 'images of owners at the end', value: result.owned }] : []),
      { name: 'all work ended', value: String(becameQuiet), must: { be: 'true', holds: becameQuiet } },
      zero('wrong replies', problems.length),
      zero('differences between the stores and the model', result.problems.length),
      zero('unexpected deaths', stack.deaths().length),
      zero('lines that leak', stack.leaks().length),
    ].map((check) => ({ ...check, name: `${mode}: ${check.name}` }));
  } finally {
    await stack.stop();
    callers?.issuer.stop();
  }
};

const checks = (await Promise.all(chosen.map(runMode))).flat();
report(`Deletions, seed ${seed}, ${Math.round((performance.now() - startedAt) / 1000)} s`, [
  {
    name: 'operations',
    value: done,
    must: {
      be: String(share(operations) * chosen.length),
      holds: done === share(operations) * chosen.length,
    },
  },
  ...checks,
]);
