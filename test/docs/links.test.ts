import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { routes } from '../../lambdas/ingest/routes.ts';

const documents = globSync(['*.md', 'docs/*.md']).sort();

const withoutCode = (text: string): string => text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');

/** The anchors of a document's headings, as GitHub makes them. */
const anchorsOf = (file: string): readonly string[] =>
  [...withoutCode(readFileSync(file, 'utf8')).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );

test.each(documents)('%s links only to files and headings that exist', (document) => {
  const links = withoutCode(readFileSync(document, 'utf8')).matchAll(
    /\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g,
  );
  for (const [, path = '', anchor] of links) {
    const target = path === '' ? document : join(dirname(document), path);
    expect(globSync(target)).toEqual([target.replace(/\/$/, '')]);
    if (anchor !== undefined) expect(anchorsOf(target)).toContain(anchor);
  }
});

test('the README names every route', () => {
  const readme = readFileSync('README.md', 'utf8');
  for (const { path } of Object.values(routes)) expect(readme).toContain(`${path}\``);
});
