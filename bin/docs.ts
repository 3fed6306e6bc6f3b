import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { withCurrentBlocks } from './docs/blocks.ts';

/**
 * `npm run docs` rewrites every generated block of README.md and docs/. With `--check` nothing is written,
 * and a stale block is an error.
 */
const { values: options } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

for (const file of globSync(['*.md', 'docs/*.md']).sort()) {
  const text = readFileSync(file, 'utf8');
  const current = withCurrentBlocks(text);
  if (current === text) continue;
  if (options.check) {
    console.error(`${file} is stale: run npm run docs.`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, current);
    console.log(`${file} was updated.`);
  }
}
