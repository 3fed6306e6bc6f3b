import { ImageError } from '../../../image/errors.ts';

/** What is wrong with an original of which something can be shown. */
export interface Damage {
  /** In the words of the library that decoded it: for the log. */
  readonly reason: string;
}

const maxReasonCharacters = 200;

/** libvips reports many lines. The first one about the image itself is enough. */
const reasonOf = (error: unknown): string => {
  const lines = (error instanceof Error ? error.message : String(error))
    .replaceAll(/[^\P{C}\n]/gu, '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const useful = lines.find((line) => !/^source: bad seek|^Warning treated as error/.test(line));
  return (useful ?? lines[0] ?? 'no reason given').slice(0, maxReasonCharacters);
};

/** All bytes have arrived, so an error of a library that decodes them is the image's fault. */
export const orCorrupt = async <Result>(decode: () => Promise<Result>): Promise<Result> => {
  try {
    return await decode();
  } catch (error) {
    throw new ImageError('image-corrupt', `The image cannot be decoded: ${reasonOf(error)}`, {
      cause: error,
    });
  }
};
