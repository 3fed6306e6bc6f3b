import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Template } from 'aws-cdk-lib/assertions';
import { alarmsOf } from './deployed-alarms.ts';
import { inContainers, templateWith } from './stacks.ts';

/** With functions, and in containers. */
let templates: readonly Template[];

beforeAll(() => {
  const email = { from: 'images@example.com', allowedRecipients: ['example.com'] };
  templates = [
    templateWith({ email, domain: inContainers.domain }),
    templateWith({ email, ...inContainers }),
  ];
});

const runbook = readFileSync('docs/runbook.md', 'utf8');
const [, alarmsPart = ''] = /\n## Alarms\n(.*?)\n## /s.exec(runbook) ?? [];
const sections = alarmsPart.split(/^### /m).slice(1);

test('has a section for each alarm and no other', () => {
  const headings = sections.map((section) => section.split('\n')[0]);
  const names = new Set(templates.flatMap((template) => alarmsOf(template).map(({ name }) => name)));
  expect(headings.sort()).toEqual([...names].sort());
});

test('has a command in each section', () => {
  for (const section of sections) expect(section).toMatch(/```sh\n(?:insights|aws|service|answered) /);
});

test('links to existing headings', () => {
  const headings = [...runbook.matchAll(/^##+ (.+)$/gm)].map(([, heading = '']) =>
    heading.toLowerCase().replaceAll(' ', '-'),
  );
  const links = [...runbook.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
  expect(links.length).toBeGreaterThan(5);
  expect(headings).toEqual(expect.arrayContaining(links));
});

test('names only outputs and resources that exist', () => {
  const deployed = templates.map((template) => template.toJSON());
  const outputs = [...runbook.matchAll(/\$\(output (\w+)\)/g)].map(([, name]) => name);
  expect(outputs.length).toBeGreaterThan(3);
  const there = deployed.flatMap(({ Outputs }) => Object.keys(Outputs));
  expect(there).toEqual(expect.arrayContaining(outputs));
  const resources = [
    ...[...runbook.matchAll(/\$\(resource (\S+) (\w+)\)/g)].map(([, type, name]) => ({ type, name })),
    ...[...runbook.matchAll(/^ *insights (\w+) '/gm)].map(([, name]) => ({
      type: 'AWS::Logs::LogGroup',
      name,
    })),
  ];
  expect(resources.length).toBeGreaterThan(15);
  for (const { type, name = '' } of resources) {
    const found = deployed.flatMap(({ Resources }) =>
      Object.entries<{ readonly Type: string }>(Resources)
        .filter(([id, { Type }]) => Type === type && id.startsWith(name))
        .map(([id]) => id),
    );
    expect(new Set(found).size).toBe(1);
  }
});

test('queries logs only for messages that the code writes', () => {
  const written = ['lambdas', 'containers']
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    )
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/log\.\w+\(\s*'([^']+)'/g)])
    .map(([, message]) => message);
  const asked = [...runbook.matchAll(/message (?:= |in \[)("[^'|\]}]+")/g)].flatMap(([, list = '']) =>
    list.split('", "').map((message) => message.replaceAll('"', '')),
  );
  expect(asked.length).toBeGreaterThan(10);
  expect(written).toEqual(expect.arrayContaining(asked));
});
