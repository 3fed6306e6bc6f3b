import { Worker } from 'node:worker_threads';

/**
 * Runs a function in a thread of its own, which goes on while this one is blocked and does not keep the process from
 * ending. The function arrives as its text, so that the thread loads and compiles no file: it may use nothing but its
 * argument and what `process` gives it.
 *
 * @returns how to end the thread
 */
export const startThread = <Data>(body: (data: Data) => void, data: Data): { stop(): Promise<unknown> } => {
  const worker = new Worker(
    `(${body})(process.getBuiltinModule('node:worker_threads').workerData)`,
    // What this process was told to import is not for the thread.
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
