import { text } from 'node:stream/consumers';
import { check } from 'recheck';
import * as z from 'zod';

/**
 * Reads regular expressions from stdin and prints those that may take more than linear time, with the reason.
 * It runs in a process of its own because the analyser is five times slower in jest.
 */
const patterns = z.array(z.object({ file: z.string(), source: z.string(), flags: z.string() }));

// The engine in JavaScript, which needs neither Java nor a native program.
process.env['RECHECK_BACKEND'] = 'pure';

/** Limits in steps instead of seconds give the same verdict on a busy machine. */
const limits = {
  timeout: null,
  attackTimeout: null,
  incubationTimeout: null,
  seedingTimeout: null,
  maxAttackStringSize: 20_000,
  attackLimit: 5_000_000,
} as const;

const unsafe: string[] = [];
for (const { file, source, flags } of patterns.parse(JSON.parse(await text(process.stdin)))) {
  const { status, ...found } = await check(source, flags, limits);
  const why = 'error' in found ? found.error.kind : found.complexity.type;
  if (status !== 'safe') unsafe.push(`${file}: /${source}/${flags} is ${status} (${why})`);
}
process.stdout.write(JSON.stringify(unsafe));
