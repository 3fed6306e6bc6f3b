import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** Reads the options of a trial. `--help` and an unknown option print the usage and end the process. */
export const readOptions = <const Config extends ParseArgsOptionsConfig>(usage: string, options: Config) => {
  if (process.argv.includes('--help')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
};

/** The value of an option that must be a whole number; anything else ends the process with an error. */
export const wholeOption = (name: string, text: string, from: number, to: number): number => {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= from && value <= to) return value;
  console.error(`--${name} must be a whole number from ${from} to ${to} (given ${JSON.stringify(text)}).`);
  process.exit(2);
};

/** A new seed each time. The trial prints it, so that a run can be repeated. */
export const anySeed = (): string => String(Math.floor(Math.random() * 1_000_000));
