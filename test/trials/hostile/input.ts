import type { ErrorCode } from '../../../lambdas/ingest/problem.ts';
import type { Random } from '../random.ts';

/** A valid image of an accepted format, from a real encoder. */
export interface Sample {
  /** `<format>-<characteristic>` */
  readonly name: string;
  readonly format: FormatName;
  readonly bytes: Buffer;
}

export const formatNames = ['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff'] as const;
export type FormatName = (typeof formatNames)[number];

/** Bytes to send, and how they were made. */
export interface Made {
  /** Words with dashes, for file names. */
  readonly kind: string;
  readonly bytes: Buffer;
  /** The required outcome. @default - any valid reply */
  readonly must?: Expected;
}

/** `ready`, `refused` with any code, or refused with this code. */
export type Expected = 'ready' | 'refused' | ErrorCode;

/** Inputs of one kind of attack. */
export interface Family {
  readonly name: string;
  /**
   * @param nth the number of the input within this family, to go through a list
   * @param random the random numbers of this input
   */
  make(nth: number, random: Random): Promise<Made> | Made;
}

/** Attacks on the files of one format that need knowledge of the format. */
export interface Format {
  /** Doubles, moves, removes or cuts parts of the file, or gives them a wrong length or checksum. */
  restructure(bytes: Buffer, random: Random): Made;
  /** Makes a false header with correct checksums. */
  lie(bytes: Buffer, random: Random): Made;
}
