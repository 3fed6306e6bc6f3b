import { Worker } from 'node:worker_threads';

/**
 * Runs a function in a thread that continues while this one is blocked, and that does not keep the process
 * alive. The function is passed as text and loads no file: it may only use its argument and `process`.
 */
export const startThread = <Data>(body: (data: Data) => void, data: Data): { stop(): Promise<unknown> } => {
  const worker = new Worker(
    `(${body})(process.getBuiltinModule('node:worker_threads').workerData)`,
    // Without the `--import` arguments of this process.
    {
      eval: true,
      workerData: data,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 },
    },
  );
  worker.unref();
  return { stop: () => worker.terminate() };
};
