import { imageIdOf } from '../../../lambdas/image/id.ts';
import type { Random } from '../random.ts';
import type { Stack } from '../stack.ts';
import { type Cell, isOfDeletion } from './cells.ts';
import { freshImage, freshSlowImage, type Upload, uploadUntilAccepted } from './client.ts';
import { queuesOf } from './dead-letters.ts';
import { beginDeletion, deletionProblems } from './deletion.ts';
import { hangs } from './fault.ts';
import type { OperationName } from './operations.ts';
import { holds, outcomeOf } from './outcome.ts';
import type { FaultProxy } from './proxy.ts';

/**
 * A message becomes a dead letter after its fifth receive, so the fifth must come after the fault. With this
 * visibility timeout it comes at least 16 seconds after the first, and a hanging fault is over after 12. A
 * small image takes much less than 4 seconds, so no message is delivered again without a reason.
 */
export const visibilityTimeoutSeconds = 4;

/** Fewer failing requests than the SDK has tries. */
const passingRequests = 2;
/** Errors are immediate: the three tries of the SDK are over within one second. */
const lastingMilliseconds = 3000;
/** Each try of the SDK hangs for 5 seconds: the third starts when the fault is 10 seconds old. */
const hangingMilliseconds = 12_000;

/** Operations of the reconciler alone, and only for an image whose event was lost. */
const ofReconciler: readonly OperationName[] = ['HeadObject', 'Query', 'SendMessage', 'GetQueueAttributes'];

/**
 * A cell may end after three tries of a poll of 20 seconds each, or after two runs of the reconciler, or
 * when the message of a deletion is delivered again.
 */
const endMilliseconds = 180_000;

export interface CellResult {
  readonly cell: Cell;
  readonly uploads: readonly Upload[];
  readonly ready: number;
  readonly hits: number;
  readonly deadLetters: readonly string[];
  readonly seconds: number;
  readonly problems: readonly string[];
}

/** Uploads images before and during a fault, and checks that all of them are ready at the end. */
export const runCell = async (
  cell: Cell,
  stack: Stack,
  proxy: FaultProxy,
  random: Random,
): Promise<CellResult> => {
  const { apiUrl, aws } = stack;
  const startedAt = performance.now();
  const upload = async (image: Buffer, waits: boolean) => uploadUntilAccepted({ apiUrl, image, waits });
  const uploadFresh = async (waits: boolean) => upload(await freshImage(random), waits);

  // GIVEN neighbours in progress, and perhaps an image whose event was lost
  const needsReconciler = ofReconciler.includes(cell.operation);
  const before = [uploadFresh(false), uploadFresh(false)];
  const lost = await freshImage(random);
  if (needsReconciler) {
    proxy.loseEvent(imageIdOf(lost));
    before.push(upload(lost, false));
    await Promise.all(before);
  }
  // GIVEN an image that is ready
  const deleted = isOfDeletion(cell) ? await uploadFresh(true) : undefined;
  if (deleted?.id !== undefined) await outcomeOf(aws, [deleted.id], endMilliseconds);

  // WHEN
  const fault = proxy.inject({
    operation: cell.operation,
    kind: cell.kind,
    moment: cell.moment,
    lasts: cell.duration === 'passing' ? { requests: passingRequests } : { milliseconds: lasting(cell) },
  });
  if (deleted?.id !== undefined) await beginDeletion(stack, deleted.id);
  const during = [uploadFresh(false), uploadFresh(true), uploadFresh(false), uploadFresh(true)];
  during.push(upload(freshSlowImage(random), false));
  // Ingest requests an original too, when the same image is uploaded again.
  if (cell.operation === 'HeadObject' && random.next() < 0.5) during.push(upload(lost, false));

  // THEN
  const uploads = await Promise.all([...before, ...during]);
  const problems = uploads.flatMap((each) => each.problems);
  if (!(await holds(async () => fault.hits() > 0, endMilliseconds))) problems.push('the fault hit nothing');
  const ids = uploads.flatMap(({ id }) => (id === undefined ? [] : [id]));
  const outcome = await outcomeOf(aws, ids, endMilliseconds);
  if (deleted?.id !== undefined) problems.push(...(await deletionProblems(aws, deleted.id, endMilliseconds)));
  proxy.heal();
  const deadLetters = await queuesOf(stack).takeDeadLetters();
  problems.push(...outcome.problems, ...deadLetters.map((body) => `a dead letter: ${body}`));
  return {
    cell,
    uploads,
    ready: outcome.ready,
    hits: fault.hits(),
    deadLetters,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    problems,
  };
};

const lasting = ({ kind }: Cell): number => (hangs(kind) ? hangingMilliseconds : lastingMilliseconds);
