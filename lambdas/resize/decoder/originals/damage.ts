import { type DamageKind, nothingToShow } from '../../../image/damage.ts';
import { ImageError } from '../../../image/errors.ts';

/** What is wrong with an original of which something can be shown. */
export interface Damage {
  /** What the user gets to know. */
  readonly kind: DamageKind;
  /** In the words of the library that decoded it, or in our own: for the log. */
  readonly reason: string;
}

const maxReasonCharacters = 200;

/** Libraries report many lines, of any length. The first one about the image itself is enough. */
export const reasonOf = (text: string): string => {
  const lines = text
    .replaceAll(/[^\P{C}\n]/gu, '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const useful = lines.find((line) => !/^source: bad seek/.test(line));
  return (useful ?? lines[0] ?? 'no reason given').slice(0, maxReasonCharacters);
};

/** How libraries say that bytes ran out. */
const ranOut = /premature end of (JPEG|file)|unexpected end|truncated|end of (file|input|stream)/i;

export const kindOf = (text: string): DamageKind => (ranOut.test(text) ? 'incomplete' : 'damaged');

/** @param reason in the words of a library, of any length */
export const damaged = (kind: DamageKind, reason: string): Damage => ({ kind, reason: reasonOf(reason) });

/** The error for a file that shows nothing. Its cause is for the log. */
export const corrupt = ({ kind, reason }: Damage): ImageError =>
  new ImageError('image-corrupt', nothingToShow[kind], { cause: reason });

/**
 * The error for a file that a library refuses to decode.
 *
 * @param text in the library's words
 * @param unsupported what the file is, if it is sound
 */
export const refusalOf = (text: string, unsupported: string | undefined): ImageError => {
  const damage = damaged(kindOf(text), text);
  if (unsupported === undefined) return corrupt(damage);
  return new ImageError('unsupported-type', `The image is ${unsupported}.`, { cause: damage.reason });
};
