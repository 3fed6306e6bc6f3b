import type { ErrorCode } from '../../../lambdas/ingest/problem.ts';
import type { Random } from '../random.ts';

/** An image as one of the accepted formats, from a real encoder, that nothing is wrong with. */
export interface Sample {
  /** `<format>-<what is special about it>` */
  readonly name: string;
  readonly format: FormatName;
  readonly bytes: Buffer;
}

export const formatNames = ['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff'] as const;
export type FormatName = (typeof formatNames)[number];

/** Bytes to be sent, and what was done to them. */
export interface Made {
  /** Words with dashes: it becomes part of a file name. */
  readonly kind: string;
  readonly bytes: Buffer;
  /** How it must end. @default - in any way that is an answer */
  readonly must?: Expected;
}

/** `ready`; `refused` with any code; or refused with this one. */
export type Expected = 'ready' | 'refused' | ErrorCode;

/** Inputs of one kind of malice. */
export interface Family {
  readonly name: string;
  /**
   * @param nth counts the inputs of this family, so that it can go through a list of its own
   * @param random of this input alone
   */
  make(nth: number, random: Random): Promise<Made> | Made;
}

/** What can be done to the files of one format by whoever knows how they are built. */
export interface Format {
  /** Parts of the file doubled, moved, removed, cut, or with a wrong length or checksum. */
  restructure(bytes: Buffer, random: Random): Made;
  /** A header that says what is not so, with every checksum right. */
  lie(bytes: Buffer, random: Random): Made;
}
