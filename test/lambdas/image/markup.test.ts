import { type Characters, readMarkup } from '../../../lambdas/image/markup.ts';

/** A text that counts the characters that anyone looks at. */
class CountedText implements Characters {
  readonly #text: string;
  looks = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get length(): number {
    return this.#text.length;
  }

  charAt(at: number): string {
    this.looks += 1;
    return this.#text.charAt(at);
  }

  indexOf(search: string, from = 0): number {
    const found = this.#text.indexOf(search, from);
    this.looks += (found < 0 ? this.#text.length : found + search.length) - Math.min(from, this.#text.length);
    return found;
  }

  startsWith(search: string, from = 0): boolean {
    this.looks += search.length;
    return this.#text.startsWith(search, from);
  }

  slice(start: number, end: number): string {
    const part = this.#text.slice(start, end);
    this.looks += part.length;
    return part;
  }
}

/** Each blank is compared with the start of a comment, of an instruction and of a document type. */
const maxLooks = 25;

const looksAt = (text: string): number => {
  const counted = new CountedText(text);
  readMarkup(counted);
  return counted.looks;
};

const pieces = [
  '<!---->',
  '<!--',
  '-->',
  '<!-- - -- ->',
  '<?xml?>',
  '<?xml',
  '<?',
  '?>',
  '<!DOCTYPE svg>',
  '<!DOCTYPE svg [',
  '<!doctype',
  '<!ENTITY a "',
  '"',
  "'",
  '[',
  ']',
  '[]',
  '>',
  '<',
  '<!',
  ' ',
  '\n',
  'x',
  '<svg',
  'svg:',
  '<a b="c"',
] as const;

describe('reads each character a bounded number of times, however long the text is', () => {
  test.each(pieces)('of %j, repeated', (piece) => {
    const tooMany: string[] = [];
    for (const beginning of ['', '<!DOCTYPE svg ', '<!DOCTYPE svg [', '<!--', '<?xml ']) {
      for (const end of ['', 'x', '<svg>', '\0']) {
        for (let times = 1; times <= 4096; times *= 2) {
          const text = beginning + piece.repeat(times) + end;
          if (looksAt(text) > maxLooks * (text.length + 1)) tooMany.push(text.slice(0, 40));
        }
      }
    }
    expect(tooMany).toEqual([]);
  });

  test.each(pieces)('of %j and any other, alternating', (one) => {
    for (const other of pieces) {
      for (const text of [(one + other).repeat(1000), one.repeat(1000) + other.repeat(1000)]) {
        expect(looksAt(text)).toBeLessThanOrEqual(maxLooks * (text.length + 1));
      }
    }
  });
});
