import type { ChildProcess } from 'node:child_process';
import { type EntryProps, spawnEntry, stopProcess } from './child.ts';

export interface ScheduleProps extends EntryProps {
  readonly name: string;
  /** From the end of one run to the start of the next. */
  readonly pauseSeconds: number;
}

/** Runs a task repeatedly, like a schedule of EventBridge. The next run does the work of one that failed. */
export const startSchedule = ({ name, pauseSeconds, ...entry }: ScheduleProps) => {
  let isStopping = false;
  let next: NodeJS.Timeout | undefined;
  let child: ChildProcess;

  const run = (): void => {
    child = spawnEntry(entry);
    child.once('error', ended);
    child.once('exit', (code, signal) => ended(signal ?? (code === 0 ? undefined : `exit code ${code}`)));
  };

  const ended = (failure: unknown): void => {
    if (isStopping) return;
    if (failure !== undefined) {
      console.error(`\n  ${name} failed (${failure}). It runs again in ${pauseSeconds} seconds.\n`);
    }
    next = setTimeout(run, pauseSeconds * 1000);
  };

  run();
  return {
    stop: async (): Promise<void> => {
      isStopping = true;
      clearTimeout(next);
      await stopProcess(child);
    },
  };
};
