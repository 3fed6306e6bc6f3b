import { writeSync } from 'node:fs';

/** The pipe that the bench listens to: what a function prints goes elsewhere. */
const pipe = 3;

/** Says the one word that the bench waits for, and ends. */
export const say = (word: string): void => {
  writeSync(pipe, word);
  process.exit(0);
};
