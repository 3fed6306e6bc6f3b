/** The part of a string that `readMarkup` uses. A test counts how many characters it reads. */
export type Characters = Pick<string, 'length' | 'charAt' | 'indexOf' | 'startsWith' | 'slice'>;

/** The beginning of a markup document. Names are in lower case, without a namespace prefix. */
export interface Markup {
  /** It begins with `<?xml`. */
  readonly hasXmlDeclaration: boolean;
  /** The name after `<!DOCTYPE`. @default - it has none, or the text ends before it */
  readonly doctype?: string;
  /** The name of the first element. @default - the text ends before it, or something else comes first */
  readonly element?: string;
}

const maxNameCharacters = 64;
const blanks = ' \t\r\n\f';
const endsOfName = `${blanks}<>/[=`;

/**
 * Skips what may precede a document's first element: blanks, comments, processing instructions and a document
 * type. The position only moves forward, so each character is read a bounded number of times. A regular
 * expression would backtrack.
 */
export const readMarkup = (text: Characters): Markup => {
  const hasXmlDeclaration = text.startsWith('<?xml');
  let doctype: string | undefined;
  let at = 0;

  /** Moves past the next `end`, or to the end of the text. */
  const skipPast = (end: string, from: number): void => {
    const found = text.indexOf(end, from);
    at = found < 0 ? text.length : found + end.length;
  };

  const readName = (): string => {
    const start = at;
    const most = Math.min(text.length, start + maxNameCharacters);
    while (at < most && !endsOfName.includes(text.charAt(at))) at += 1;
    return text.slice(start, at).toLowerCase();
  };

  /** A `>` within quotes or brackets does not end the document type. */
  const skipDoctype = (): void => {
    let isInBrackets = false;
    while (at < text.length) {
      const character = text.charAt(at);
      if (character === '"' || character === "'") skipPast(character, at + 1);
      else if (isInBrackets && text.startsWith('<!--', at)) skipPast('-->', at + '<!--'.length);
      else {
        at += 1;
        if (character === '[') isInBrackets = true;
        else if (character === ']') isInBrackets = false;
        else if (character === '>' && !isInBrackets) return;
      }
    }
  };

  while (at < text.length) {
    if (blanks.includes(text.charAt(at))) at += 1;
    else if (text.startsWith('<!--', at)) skipPast('-->', at + '<!--'.length);
    else if (text.startsWith('<?', at)) skipPast('?>', at + '<?'.length);
    else if (doctype === undefined && text.slice(at, at + '<!doctype'.length).toLowerCase() === '<!doctype') {
      at += '<!doctype'.length;
      while (at < text.length && blanks.includes(text.charAt(at))) at += 1;
      doctype = readName();
      skipDoctype();
    } else if (text.charAt(at) === '<') {
      at += 1;
      const name = readName();
      return { hasXmlDeclaration, doctype, element: name.slice(name.indexOf(':') + 1) };
    } else break;
  }
  return { hasXmlDeclaration, doctype };
};
