import { text } from 'node:stream/consumers';
import { check } from 'recheck';
import * as z from 'zod';

/**
 * Reads regular expressions from its input and writes those that are not known to be linear, each with what is wrong with
 * it. It is a process of its own because the analyser takes five times as long within jest.
 */
const patterns = z.array(z.object({ file: z.string(), source: z.string(), flags: z.string() }));

// The analyser's own engine, in JavaScript: neither Java nor a program of another architecture.
process.env['RECHECK_BACKEND'] = 'pure';

/** Limits are counted in steps and not in seconds, so that a busy machine comes to the same verdict. */
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
