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

/** libvips reports many lines. The first one about the image itself is enough. */
const reasonOf = (text: string): string => {
  const lines = text
    .replaceAll(/[^\P{C}\n]/gu, '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const useful = lines.find((line) => !/^source: bad seek/.test(line));
  return (useful ?? lines[0] ?? 'no reason given').slice(0, maxReasonCharacters);
};

/** @param reason in the words of a library, of any length */
export const damaged = (kind: DamageKind, reason: string): Damage => ({ kind, reason: reasonOf(reason) });

/** The error for a file that shows nothing. Its cause is for the log. */
export const corrupt = ({ kind, reason }: Damage): ImageError =>
  new ImageError('image-corrupt', nothingToShow[kind], { cause: reason });

/** All bytes have arrived, so an error of a library that decodes them is the image's fault. */
export const orCorrupt = async <Result>(decode: () => Promise<Result>): Promise<Result> => {
  try {
    return await decode();
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw corrupt(damaged('damaged', error instanceof Error ? error.message : String(error)));
  }
};
