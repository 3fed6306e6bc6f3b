import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { describeApi } from '../../lambdas/ingest/openapi.ts';

const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync('package.json', 'utf8')));

test('the API description has the version of the package', () => {
  const { info } = describeApi({
    apiUrl: 'https://images.example.com/dev',
    maxInlineBytes: 4_700_000,
    maxUploadBytes: 100_000_000,
    auth: 'none',
    links: 'public',
    uploadPage: null,
    extensions: [],
  });
  expect(info.version).toBe(version);
});

test('the changelog describes the version of the package', () => {
  const [, latest] = /^## \[(\d[^\]]*)\]/m.exec(readFileSync('CHANGELOG.md', 'utf8')) ?? [];
  expect(latest).toBe(version);
});
