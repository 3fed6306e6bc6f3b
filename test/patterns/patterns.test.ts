import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { project } from '../local/processes.ts';
import { findPatterns, type Pattern } from './find-patterns.ts';

jest.setTimeout(240_000);

/** All code that may meet outside input: bin/docs reads only the project's own documents. */
const ownFiles = globSync(['bin/*.ts', '{bin/commands,containers,lambdas,lib,local}/**/*.ts'], {
  cwd: project,
});

/** The parts of libraries that parse requests. */
const libraryFiles = [
  'node_modules/hono/dist/{context,hono-base,request}.js',
  'node_modules/hono/dist/adapter/aws-lambda/handler.js',
  'node_modules/hono/dist/helper/accepts/accepts.js',
  'node_modules/hono/dist/utils/{accept,url}.js',
  'node_modules/@hono/node-server/dist/index.mjs',
  'node_modules/jose/dist/webapi/{jwks,jws,jwt,key,lib,util}/**/*.js',
].flatMap((pattern) => {
  const files = globSync(pattern, { cwd: project });
  if (files.length === 0) throw new Error(`There is no ${pattern}.`);
  return files;
});

const foundIn = (files: readonly string[]) => {
  const found = files.map((file) => findPatterns(file, readFileSync(join(project, file), 'utf8')));
  return {
    patterns: found.flatMap(({ patterns }) => patterns),
    computed: found.flatMap(({ computed }) => computed),
  };
};

/** The formats of zod that the schemas use. */
const formats = {
  email: z.email(),
  hostname: z.hostname(),
  dateTime: z.iso.datetime(),
} as const;

const formatPatterns = Object.entries(formats).map(([name, schema]): Pattern => {
  const { pattern } = schema._zod.def;
  if (!(pattern instanceof RegExp)) throw new Error(`zod checks ${name} without a regular expression.`);
  return { file: `zod's ${name}`, source: pattern.source, flags: pattern.flags };
});

/** The regular expressions that may take more than linear time, with the reason. */
const unsafe = (patterns: readonly Pattern[]): readonly string[] => {
  const distinct = new Map(patterns.map((pattern) => [`/${pattern.source}/${pattern.flags}`, pattern]));
  const answer = execFileSync(process.execPath, [join(import.meta.dirname, 'analyse.ts')], {
    input: JSON.stringify([...distinct.values()]),
    encoding: 'utf8',
  });
  return z.array(z.string()).parse(JSON.parse(answer));
};

test('no regular expression of the project takes more than linear time', () => {
  const { patterns, computed } = foundIn(ownFiles);
  expect(patterns.length).toBeGreaterThan(30);
  expect(unsafe(patterns)).toEqual([]);
  expect(computed).toEqual([
    // Computed from the name of a table, and applied to the project's own queries.
    'lib/lake/named-queries.ts: RegExp',
  ]);
});

test('nor does one of the libraries that parse requests', () => {
  const { patterns } = foundIn(libraryFiles);
  expect(patterns.length).toBeGreaterThan(20);
  expect(unsafe(patterns)).toEqual([
    // Parses the project's own routes, at the start.
    'node_modules/hono/dist/utils/url.js: /\\{[^}]+\\}/g is vulnerable (polynomial)',
  ]);
});

test('nor does a format of zod that the schemas use', () => {
  expect(unsafe(formatPatterns)).toEqual([]);
});

/** The other parts of zod that the sources use, which have no regular expression. */
const withoutPattern = [
  ...['array', 'boolean', 'discriminatedUnion', 'enum', 'instanceof', 'int', 'literal', 'number', 'object'],
  ...['looseObject', 'preprocess', 'record', 'strictObject', 'string', 'union', 'unknown', 'url'],
  ...['codec', 'config', 'encode', 'prettifyError', 'toJSONSchema', 'tuple'],
];

test('the schemas use no other format', () => {
  const named = ownFiles.flatMap((file) =>
    [...readFileSync(join(project, file), 'utf8').matchAll(/\bz\s*\.((?:iso\.)?\w+)\(/g)].map(
      ([, name = '']) => name,
    ),
  );
  const others = named.filter((name) => !withoutPattern.includes(name));
  expect(new Set(others)).toEqual(new Set(['email', 'hostname', 'iso.datetime']));
  expect(z.url()._zod.def.pattern).toBeUndefined();
});

describe('the check', () => {
  test.each([
    ['exponential', String.raw`const a = /^(?:<!--[\s\S]*?-->|\s)*<svg/i;`],
    ['exponential', String.raw`class A { readonly a = z.string().regex(/^(\w+\s?)+$/, 'words'); }`],
    ['polynomial', String.raw`export const trimmed = (text: string) => text.replace(/\s+$/, '');`],
    ['exponential', 'const a = /^(?:[a-z]{1,64}-?)+$/.test(text);'],
    ['polynomial', String.raw`const a = /(?<=#)\w+\s*\w*;/.test(text);`],
    ['polynomial', "new RegExp('^a*a*b', 'u').test(text);"],
    ['polynomial', "const a = text.search('x*y');"],
  ])('finds a pattern that takes %s time in %s', (complexity, source) => {
    const { patterns } = findPatterns('planted.ts', source);
    expect(unsafe(patterns)).toEqual([expect.stringContaining(`is vulnerable (${complexity})`)]);
  });

  test.each(['RegExp(text)', "new RegExp(text + '+')", "new RegExp('a+', flags)", 'other.match(text)'])(
    'finds the computed pattern %s',
    (source) => {
      expect(findPatterns('planted.ts', source).computed).toHaveLength(1);
    },
  );
});
