import { writeSync } from 'node:fs';

/** The pipe that the bench reads; the log of a function goes to the standard output. */
const pipe = 3;

/** Writes the output that the bench waits for, and exits. */
export const printAndExit = (output: string): void => {
  writeSync(pipe, output);
  process.exit(0);
};
