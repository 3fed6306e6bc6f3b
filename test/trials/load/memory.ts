import { availableParallelism } from 'node:os';
import type { Figure } from '../report.ts';
import type { Stack } from '../stack.ts';
import { fifth, median } from './statistics.ts';

export interface MemoryWatch {
  /** Checks that no process holds more at the end than near the start, or has more children than it may. */
  stop(): readonly Figure[];
}

const sampleMilliseconds = 500;

/**
 * With a heap of fixed size, a process without a leak stays within a twentieth of its memory. There are 6,000
 * images between the two medians of a full run, so a leak of 4 KB for each is found. The first fifth is left
 * out, because a process grows after its start; in a short run that takes longer, and only large leaks are
 * found.
 */
const maxGrowth = (uploads: number): number => (uploads < 3000 ? 1.4 : 1.15);

/** On average for each of its processes: a worker starts decoders when it needs them, and keeps them. */
const memoryOfOne = (stack: Stack, name: string): number =>
  stack.memoryMiB(name) / (1 + stack.childrenOf(name).length);

/** A worker holds three messages for each of its decoders, and may have a spare and a slow one. */
const maxDecoders = 3 * availableParallelism() + 2;

export const watchMemory = (stack: Stack, uploads: number): MemoryWatch => {
  const names = stack.names.filter((name) => /^(?:ingest|resize)/.test(name));
  const samples = new Map(names.map((name) => [name, [] as number[]]));
  const decoders = new Map<string, number>();
  const timer = setInterval(() => {
    for (const name of names)
      decoders.set(name, Math.max(decoders.get(name) ?? 0, stack.childrenOf(name).length));
    for (const [name, taken] of samples) taken.push(memoryOfOne(stack, name));
  }, sampleMilliseconds);
  return {
    stop: () => {
      clearInterval(timer);
      const most = [...decoders].map(([name, count]) => ({
        name: `most simultaneous decoders of ${name}`,
        value: count,
        must: { be: `at most ${maxDecoders}`, holds: count <= maxDecoders },
      }));
      const growth = [...samples].map(([name, taken]) => {
        const early = median(fifth(taken, 2));
        const end = median(fifth(taken, 5));
        return {
          name: `memory of a process of ${name}, MiB: median of the second and of the last fifth`,
          value: `${early.toFixed(0)}, ${end.toFixed(0)}`,
          must: { be: `at most x ${maxGrowth(uploads)}`, holds: end <= early * maxGrowth(uploads) },
        };
      });
      return [...growth, ...most];
    },
  };
};
