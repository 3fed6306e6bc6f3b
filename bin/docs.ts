import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { blocks } from './docs/blocks.ts';

/**
 * `npm run docs` rewrites every generated block of README.md and docs/. A block stands between `<!-- generated: name -->`
 * and `<!-- end -->`. With `--check` nothing is written, and a stale block is an error.
 */
const { values: options } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

const regenerated = (text: string): string =>
  text.replaceAll(
    /^<!-- generated: (\S+) -->\n[\s\S]*?^<!-- end -->$/gm,
    (_block, name: string) => `<!-- generated: ${name} -->\n\n${rendered(name)}\n\n<!-- end -->`,
  );

const rendered = (name: string): string => {
  const block = blocks.find((each) => each.name === name);
  if (block === undefined) {
    const names = blocks.map((each) => each.name).join(', ');
    throw new Error(`There is no generated block named ${name}. The blocks are ${names}.`);
  }
  return block.render();
};

for (const file of globSync(['*.md', 'docs/*.md']).sort()) {
  const text = readFileSync(file, 'utf8');
  const current = regenerated(text);
  if (current === text) continue;
  if (options.check) {
    console.error(`${file} is stale: run npm run docs.`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, current);
    console.log(`${file} was updated.`);
  }
}
