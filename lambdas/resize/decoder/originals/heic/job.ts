import type { Size } from '../original.ts';
import type { Area, Orientation } from './placement.ts';
import type { Samples } from './shrink.ts';

/*
 * What passes between the decoder process and its thread for HEIC.
 */

/** A picture of the file that the thread is to decode. */
export interface PictureJob {
  /** @default - the first picture of the sequence */
  readonly id: number | undefined;
  /** The size of the coded picture. */
  readonly coded: Size;
  /** The part that is shown. */
  readonly area: Area;
  readonly orientation: Orientation;
  readonly channels: 3 | 4;
  readonly isDeep: boolean;
  readonly isPremultiplied: boolean;
  /** Tiles whose bytes the file does not have, by their position in the order of reading. */
  readonly cutTiles: readonly number[];
}

export interface HeicJob {
  readonly bytes: Uint8Array;
  /** How long the file would be if nothing were cut off. */
  readonly wholeBytes: number;
  readonly picture: PictureJob;
  /** The size that is needed, turned like the coded picture. */
  readonly size: Size;
  /** A thumbnail in the file that may be decoded instead. @default - there is none */
  readonly thumbnail: PictureJob | undefined;
}

export interface DecodedHeic extends Size {
  readonly kind: 'decoded';
  readonly samples: Samples;
  readonly channels: 3 | 4;
  /** Why a part of the picture is missing. @default - nothing is missing */
  readonly damage?: string | undefined;
}

/** The bytes are at fault. */
export interface RefusedHeic {
  readonly kind: 'refused';
  readonly code: 'unsupported-type' | 'image-too-large' | 'image-corrupt';
  readonly reason: string;
  /** The library may be in disorder, so the thread is not used again. */
  readonly isSpoilt: boolean;
}

/** The first message of the thread says that it is ready. Each of the others answers a job. */
export type ThreadReply = 'ready' | DecodedHeic | RefusedHeic;
