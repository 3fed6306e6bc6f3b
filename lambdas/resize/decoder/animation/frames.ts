import type { Size } from '../originals/original.ts';

/** One picture of an animation, as its file stores it: often only the part that changes. */
export interface Frame extends Size {
  /** Where it lies on the canvas. */
  readonly left: number;
  readonly top: number;
  /** How long a browser shows it. */
  readonly milliseconds: number;
  /** Whether the canvas shows through where it is transparent. Otherwise it replaces its area. */
  readonly isBlended: boolean;
  /** What happens to its area before the next frame: it stays, is cleared, or is as it was before. */
  readonly disposal: 'keep' | 'clear' | 'restore';
  /** Makes a still image of it: a file of the same format. */
  readonly still: () => Buffer;
}

/** The frames of an animation, of which none is decoded yet. Its size is that of the canvas. */
export interface Animation extends Size {
  /** How many times it is played. 0: without end. */
  readonly plays: number;
  /** EXIF data, which may turn it. @default - none */
  readonly exif?: Buffer | undefined;
  readonly frames: readonly Frame[];
}

/** Browsers slow down what is meant to be too fast to see (webkit.org/b/36082). */
export const shownMilliseconds = (declared: number): number => (declared < 11 ? 100 : declared);

/** No animation has more parts. A file may have one for every few bytes. */
export const maxParts = 100_000;

/** Whether each frame lies within the canvas, as APNG and WebP require. */
export const areWithin = ({ width, height }: Size, frames: readonly Frame[]): boolean =>
  frames.every((frame) => frame.left + frame.width <= width && frame.top + frame.height <= height);
