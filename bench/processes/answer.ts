import { readdirSync, readFileSync } from 'node:fs';

/** What one job cost. */
export interface Cost {
  readonly wallMilliseconds: number;
  /** Of this process and its descendants, for which Linux counts hundredths of a second. */
  readonly cpuMilliseconds: number;
  /** The sum of the peaks of this process and its descendants. */
  readonly peakMiB: number;
}

export type Answer =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'done' } & Cost)
  | { readonly kind: 'failed'; readonly reason: string };

const millisecondsPerTick = 10;

const childrenOf = (pid: number | 'self'): readonly number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );

/** proc(5), `/proc/pid/stat`: fields 14 and 15, counted after the name, which may contain spaces. */
export const cpuMillisecondsOf = (pid: number): number => {
  const [, , ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, 'pid name ')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * millisecondsPerTick;
};

/** A process and its descendants. */
export const familyOf = (pid: number): readonly number[] => [pid, ...childrenOf(pid).flatMap(familyOf)];

/** proc(5), `VmHWM`. Not `resourceUsage().maxRSS`, which includes the memory of the parent at the fork. */
export const peakMiBOf = (pid: number | 'self'): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const cpuMilliseconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 + sum(childrenOf('self').flatMap(familyOf).map(cpuMillisecondsOf));
};

/**
 * Does jobs, one after the other, and replies with the cost of each.
 *
 * @param prepare does the part that is not measured, and returns the part that is
 */
export const serveJobs = (prepare: (job: unknown) => Promise<() => Promise<void>>): void => {
  const answer = (message: Answer): void => {
    process.send?.(message);
  };
  process.on('message', async (job) => {
    try {
      const work = await prepare(job);
      const cpuBefore = cpuMilliseconds();
      const startedAt = performance.now();
      await work();
      const wallMilliseconds = performance.now() - startedAt;
      answer({
        kind: 'done',
        wallMilliseconds,
        cpuMilliseconds: cpuMilliseconds() - cpuBefore,
        peakMiB: peakMiBOf('self') + sum(childrenOf('self').flatMap(familyOf).map(peakMiBOf)),
      });
    } catch (error) {
      answer({ kind: 'failed', reason: String(error) });
    }
  });
  process.once('disconnect', () => process.exit());
  answer({ kind: 'ready' });
};
