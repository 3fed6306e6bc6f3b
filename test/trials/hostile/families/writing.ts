import type { Random } from '../../random.ts';
import type { Family } from '../input.ts';
import { latin1 } from '../numbers.ts';

type Writing = Readonly<Record<string, (random: Random) => string>>;

/** So many repetitions that quadratic time would be minutes. */
const many = (random: Random): number => random.pick([3, 146, 1000, 4096, 30_000]);

const repeated = (piece: string) => (random: Random) => piece.repeat(many(random));

const words = [
  'hello',
  'wait=',
  '"',
  "'",
  '\\',
  '%00',
  '../',
  '{',
  '[',
  '\t',
  '\r\n',
  ' ',
  'é',
  '%PDF',
  'BM',
  '--',
];

const texts: Writing = {
  words: (random) => Array.from({ length: many(random) }, () => random.pick(words)).join(' '),
  blanks: (random) => random.pick([' ', '\t', '\n', '\r\n', ' \n', '\f']).repeat(many(random)),
  'one-line': (random) => random.pick(['a', '-', '<', '>', '"', '\\', '=', '%']).repeat(many(random)),
  'nested-json': (random) => random.pick(['[', '{"a":', '[{"a":']).repeat(many(random)),
  'one-long-number': (random) => `-${random.pick(['9', '0.', 'e1'])}${'1'.repeat(many(random))}`,
  'header-lines': repeated('Content-Type: image/png\r\n'),
  'form-boundaries': repeated('--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'),
  'escaped-bytes': repeated('%89PNG%0d%0a'),
  base64: (random) => random.bytes(many(random) % 5000).toString('base64'),
};

const beginnings = [
  '',
  ' ',
  '<?xml version="1.0"?>',
  '<!DOCTYPE svg [',
  '<!DOCTYPE html>',
  '<!--',
  '<svg ',
  '<html>',
];
const ends = ['', 'x', '<svg>', '</svg>', ']><svg/>', '-->', '>', '<html>'];

/** Text between a start and an end that a backtracking parser would read again and again. */
const pieces = [
  '<!---->',
  '<!-- a -->',
  '<!--',
  '-->',
  '<!-- <!-- ',
  '<!--->',
  '<!-->',
  '<?a?>',
  '<?',
  '<?xml ',
  '<!DOCTYPE svg>',
  '<!DOCTYPE svg [',
  '<!DOCTYPE ',
  '<![CDATA[',
  ']]>',
  '<!ENTITY a "',
  ']',
  '[',
  '"',
  "'",
  '<',
  '>',
  '<a>',
  '<a ',
  '<svg',
  '<svg:',
  ' a="b"',
  " a='",
  '=',
  '&a;',
  '&#x41;',
  '\n',
  '<g><g>',
  '<script>',
  '</',
] as const;

/** Each entity is ten times the previous one. */
const laughs = (depth: number): string =>
  Array.from({ length: depth }, (_, level) => `<!ENTITY e${level + 1} "${`&e${level};`.repeat(10)}">`).join(
    '',
  );

const markup: Writing = {
  'one-piece': (random) =>
    random.pick(beginnings) + random.pick(pieces).repeat(many(random)) + random.pick(ends),
  'two-pieces': (random) =>
    random.pick(beginnings) +
    (random.pick(pieces) + random.pick(pieces)).repeat(many(random)) +
    random.pick(ends),
  'many-pieces': (random) =>
    random.pick(beginnings) +
    Array.from({ length: many(random) }, () => random.pick(pieces)).join('') +
    random.pick(ends),
  'entity-bomb': (random) => {
    const depth = random.whole(3, 30);
    return `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY e0 "ha">${laughs(depth)}]><svg>&e${depth};</svg>`;
  },
  'quadratic-entity': (random) =>
    `<!DOCTYPE svg [<!ENTITY e "${'a'.repeat(many(random))}">]><svg>${'&e;'.repeat(many(random))}</svg>`,
  'entity-of-itself': () => '<!DOCTYPE svg [<!ENTITY a "&b;"><!ENTITY b "&a;">]><svg>&a;</svg>',
  'long-attributes': (random) =>
    `<svg${Array.from({ length: many(random) }, (_, index) => ` a${index}="${index}"`).join('')}/>`,
  'one-long-attribute': (random) => `<svg a="${'b'.repeat(many(random))}"/>`,
  'deep-elements': (random) => `<svg>${'<g>'.repeat(many(random))}`,
  'deep-html': (random) => `<!doctype html>${'<div>'.repeat(many(random))}`,
};

/** The bytes of a text in one of its possible encodings. */
const encoded = (text: string, random: Random): readonly [string, Buffer] =>
  random.pick([
    ['utf8', Buffer.from(text)],
    ['utf8', Buffer.from(text)],
    ['latin1', latin1(text)],
    ['utf8-with-mark', Buffer.from(`\ufeff${text}`)],
    ['utf16le', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['utf16be', Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
    ['utf16-without-mark', Buffer.from(text, 'utf16le')],
  ] as const);

const familyOf = (name: string, writing: Writing): Family => ({
  name,
  make(nth, random) {
    const all = Object.entries(writing);
    const [what, write] = all[nth % all.length] ?? random.pick(all);
    // Makes each a different image.
    const [encoding, bytes] = encoded(`${write(random)}${random.whole(0, 1_000_000_000)}`, random);
    return { kind: `${what}-in-${encoding}`, bytes, must: 'refused' };
  },
});

export const textFamily = familyOf('texts', texts);
export const markupFamily = familyOf('markup', markup);
