import { createProgress } from '../report.ts';
import { type Stack, startStack } from '../stack.ts';
import { type CellResult, runCell, visibilityTimeoutSeconds } from './cell.ts';
import { type Cell, isSlow, randomOf } from './cells.ts';
import { type FaultProxy, startFaultProxy } from './proxy.ts';

export interface MatrixResult {
  readonly results: readonly CellResult[];
  readonly deaths: readonly string[];
  readonly leaks: readonly string[];
  readonly logFiles: readonly string[];
}

/**
 * The time between two runs of the reconciler, and the age from which it requests an image again: longer than
 * the visibility timeout, as in a deployment, so that it does not request images whose message is in flight.
 */
const reconcileSeconds = 6;

/** Runs cells, several at a time: each lane has services, handlers and a proxy of its own. */
export const runMatrix = async (
  cells: readonly Cell[],
  { seed, lanes }: { readonly seed: number; readonly lanes: number },
): Promise<MatrixResult> => {
  // The slow ones first, so that no lane runs one alone at the end.
  const waiting = [...cells.filter(isSlow), ...cells.filter((cell) => !isSlow(cell))];
  const results: CellResult[] = [];
  const stacks: Stack[] = [];
  const progress = createProgress('cells', cells.length);

  const runLane = async (): Promise<void> => {
    const started = Promise.withResolvers<FaultProxy>();
    const stack = await startStack({
      visibilityTimeoutSeconds,
      workers: 2,
      reconcileSeconds,
      through: async (services, ports) => {
        const proxy = await startFaultProxy(services, ports);
        started.resolve(proxy);
        return proxy.ports;
      },
    });
    stacks.push(stack);
    const proxy = await started.promise;
    try {
      for (let cell = waiting.shift(); cell !== undefined; cell = waiting.shift()) {
        const result = await runCell(cell, stack, proxy, randomOf(seed, cell));
        results.push(result);
        for (const problem of result.problems) console.log(`\n  ${cell.name}: ${problem}`);
        progress(results.length);
      }
    } finally {
      await stack.stop();
      await proxy.close();
    }
  };

  await Promise.all(Array.from({ length: Math.min(lanes, cells.length) }, runLane));
  return {
    results,
    deaths: stacks.flatMap((stack) => stack.deaths().map(({ name, how }) => `${name}: ${how}`)),
    leaks: stacks.flatMap((stack) => stack.leaks()),
    logFiles: stacks.map(({ logFile }) => logFile),
  };
};
