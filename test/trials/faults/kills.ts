import { setTimeout as sleep } from 'node:timers/promises';
import { isListening } from '../../../local/ports.ts';
import type { Random } from '../random.ts';
import { createProgress } from '../report.ts';
import { type Stack, startStack } from '../stack.ts';
import { freshImage, freshSlowImage, type Upload, uploadUntilAccepted } from './client.ts';
import { queuesOf } from './dead-letters.ts';
import { outcomeOf } from './outcome.ts';

/**
 * A message becomes a dead letter after its fifth receive, and frequent kills alone could cause that. So a
 * small image takes much less time (about 50 ms) than passes between two kills of a worker (seconds): a
 * message is delivered again once, rarely twice.
 */
const visibilityTimeoutSeconds = 3;
/** Much longer than the visibility timeout: the reconciler finds images without a message. */
const reconcileSeconds = 15;
const workers = 2;

const uploadPauseMilliseconds = 150;
const maxUnderWay = 48;
const killPauseMilliseconds = { from: 300, to: 1100 };
/** The shortest time between two kills of ingest: longer than the pause of a client before a retry. */
const ingestPauseMilliseconds = 2500;
/** On an idle machine, one to five pauses find a target. */
const maxTriesPerKill = 20;
const maxAttempts = 25;
/** Enough for three runs of the reconciler after the last kill. */
const endMilliseconds = 120_000;

const roles = ['ingest', 'worker', 'decoder'] as const;
type Role = (typeof roles)[number];

export interface KillsResult {
  readonly uploads: readonly Upload[];
  readonly ready: number;
  readonly kills: Readonly<Record<Role, number>>;
  readonly restarts: number;
  readonly deadLetters: readonly string[];
  readonly deaths: readonly string[];
  readonly leaks: readonly string[];
  readonly logFiles: readonly string[];
  readonly problems: readonly string[];
}

export interface KillsProps {
  readonly random: Random;
  /** Of ingest, workers and decoders. */
  readonly kills: number;
  /** How often all services are killed at the same time. */
  readonly restarts: number;
}

/** A steady stream of uploads while processes are killed at random moments. */
export const runKills = async ({ random, kills, restarts }: KillsProps): Promise<KillsResult> => {
  const stack = await startStack({ visibilityTimeoutSeconds, workers, reconcileSeconds });
  try {
    const stream = startUploads(stack, random);
    const counts = await killAtRandom(stack, { random, kills, restarts });
    const uploads = await stream.end();
    const ids = uploads.flatMap(({ id }) => (id === undefined ? [] : [id]));
    const { ready, problems } = await outcomeOf(stack.aws, ids, endMilliseconds);
    const deadLetters = await queuesOf(stack).takeDeadLetters();
    return {
      uploads,
      ready,
      ...counts,
      deadLetters,
      deaths: stack.deaths().map(({ name, how }) => `${name}: ${how}`),
      leaks: stack.leaks(),
      logFiles: [stack.logFile],
      problems: [
        ...problems,
        ...uploads.flatMap((each) => each.problems),
        ...deadLetters.map((body) => `a dead letter: ${body}`),
      ],
    };
  } finally {
    await stack.stop();
  }
};

/** One of this many images is for the slow lane. */
const slowOf = 20;

/** A new image in each pause; every other client waits for its thumbnails. */
const startUploads = ({ apiUrl }: Stack, random: Random) => {
  const uploads: Promise<Upload>[] = [];
  let underWay = 0;
  let isEnding = false;

  const upload = async (waits: boolean): Promise<Upload> => {
    underWay += 1;
    try {
      const image = uploads.length % slowOf === 0 ? freshSlowImage(random) : await freshImage(random);
      return await uploadUntilAccepted({ apiUrl, image, waits, maxAttempts });
    } finally {
      underWay -= 1;
    }
  };
  const run = async (): Promise<void> => {
    while (!isEnding) {
      if (underWay < maxUnderWay) uploads.push(upload(uploads.length % 2 === 0));
      await sleep(uploadPauseMilliseconds);
    }
  };
  const running = run();
  return {
    end: async (): Promise<readonly Upload[]> => {
      isEnding = true;
      await running;
      return Promise.all(uploads);
    },
  };
};

/** Processes that are still starting are no targets, because they hold no work. @returns the targets */
const targetsOf = (stack: Stack, random: Random) => {
  let answersSince: number | undefined;

  const hasAnsweredForLong = async (): Promise<boolean> => {
    if (!(await isListening(stack.ports.api))) answersSince = undefined;
    else answersSince ??= performance.now();
    return answersSince !== undefined && performance.now() - answersSince >= ingestPauseMilliseconds;
  };

  /** @returns false if no process has that role now */
  return async (role: Role): Promise<boolean> => {
    if (role === 'ingest') {
      if (!(await hasAnsweredForLong())) return false;
      answersSince = undefined;
      await stack.kill('ingest');
      return true;
    }
    const working = stack.names
      .filter((name) => name.startsWith('resize-'))
      .map((name) => ({ name, decoders: stack.childrenOf(name) }))
      .filter(({ decoders }) => decoders.length > 0);
    if (working.length === 0) return false;
    const worker = random.pick(working);
    if (role === 'decoder') return endProcess(random.pick(worker.decoders));
    await stack.kill(worker.name);
    return true;
  };
};

const killAtRandom = async (stack: Stack, { random, kills, restarts }: KillsProps) => {
  const progress = createProgress('kills', kills);
  const counts: Record<Role, number> = { ingest: 0, worker: 0, decoder: 0 };
  const every = Math.ceil(kills / Math.max(1, restarts));
  const kill = targetsOf(stack, random);
  let restarted = 0;
  let done = 0;

  let role = random.pick(roles);
  for (let tried = 0; done < kills && tried < kills * maxTriesPerKill; tried += 1) {
    await sleep(random.whole(killPauseMilliseconds.from, killPauseMilliseconds.to));
    if (!(await kill(role))) continue;
    counts[role] += 1;
    role = random.pick(roles);
    done += 1;
    progress(done);
    if (restarts > 0 && restarted < restarts && done % every === Math.ceil(every / 2)) {
      await stack.kill('services');
      restarted += 1;
    }
  }
  return { kills: counts, restarts: restarted };
};

/** @returns false if it had already ended */
const endProcess = (pid: number): boolean => {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
};
