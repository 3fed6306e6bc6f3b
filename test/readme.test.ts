import { readFileSync } from 'node:fs';
import { problemKinds } from '../lambdas/ingest/problem.ts';
import { routes } from '../lambdas/ingest/routes.ts';
import { readSettings } from '../lib/settings.ts';

const readme = readFileSync('README.md', 'utf8');

test('names every setting with its default', () => {
  const { variants, ...settings } = readSettings({});
  expect(variants).toHaveLength(1);
  for (const [name, value] of Object.entries(settings))
    expect(readme).toContain(
      `| \`${name}\` | \`${typeof value === 'object' ? JSON.stringify(value) : value}\` |`,
    );
});

test('names every route', () => {
  for (const { path } of Object.values(routes)) expect(readme).toContain(path);
});

test('names every code that an answer may have, with its status', () => {
  const rows = readme.split('\n').filter((line) => line.startsWith('| `'));
  for (const [code, { status }] of Object.entries(problemKinds)) {
    if (code === 'original-missing') continue; // Only ever logged.
    expect(rows.some((row) => row.includes(`\`${code}\``) && row.includes(`| ${status} |`))).toBe(true);
  }
});
