import { readFileSync } from 'node:fs';
import { deployedFunction, grantsOf } from './permissions/policies.ts';
import { templateWith } from './stacks.ts';

const security = readFileSync('SECURITY.md', 'utf8');

/** A resource as the document names it: without partition, region, account and streams of a log group. */
const shortName = (arn: string): string =>
  arn === '*'
    ? 'every trace'
    : `\`${arn.replace(/^arn:aws:\w+:[^:]*:[^:]*:(?:table\/|log-group:)?/, '').replace(/:\*$/, '')}\``;

test('SECURITY.md lists exactly the permissions of the resize function', () => {
  const [, section = ''] = /\n## In Lambda\n(.*?)\n## /s.exec(security) ?? [];
  const documented = [...section.matchAll(/^\| `(\w+:\w+)` \| (.+?) \| (.+) \|$/gm)].map(
    ([, action, resource, meaning = '']) => {
      expect(meaning.length).toBeGreaterThan(10);
      return `${action} on ${resource}`;
    },
  );
  const template = templateWith({
    email: { from: 'images@example.com', allowedRecipients: ['example.com'] },
  });
  const { role } = deployedFunction(template, 'ResizeFunction');
  const granted = grantsOf(template)
    .filter((grant) => grant.role === role)
    .flatMap(({ action, resources }) => resources.map((resource) => `${action} on ${shortName(resource)}`));
  expect(granted.length).toBeGreaterThan(10);
  expect(documented.sort()).toEqual(granted.sort());
});

test('the README links to SECURITY.md, whose links lead to existing headings', () => {
  expect(readFileSync('README.md', 'utf8')).toContain('](SECURITY.md)');
  for (const [, file = '', anchor = ''] of security.matchAll(/\]\((\w+\.md)#([\w-]+)\)/g)) {
    const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    expect(headings).toContain(anchor);
  }
});
