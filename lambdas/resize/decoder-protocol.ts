import * as z from 'zod';
import { errorCodes } from '../image/errors.ts';
import type { ImageLimits } from '../image/limits.ts';
import type { Variant } from '../image/variant.ts';

/** What a decoder's process is told: to make these variants of the image that is in its fourth file. */
export interface DecoderRequest {
  /** How long the image is, from the start of the file. */
  readonly bytes: number;
  readonly variants: readonly Variant[];
  readonly limits: ImageLimits;
}

const pixels = z.int().positive();

const renderingSchema = z.object({
  /** The image's own size, upright. */
  original: z.object({ width: pixels, height: pixels }),
  /** One for each variant that was asked for, in their order. */
  thumbnails: z.array(z.object({ bytes: z.instanceof(Uint8Array), width: pixels, height: pixels })),
  /** Base64 of a ThumbHash. */
  thumbhash: z.string(),
});
/** What one decode of an image gave. */
export type Rendering = Readonly<z.output<typeof renderingSchema>>;

/**
 * What it says: once that it can begin, and then one answer to each request. It is checked, for an image might have taken
 * over the process.
 */
export const decoderReplySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('rendered'), rendering: renderingSchema }),
  z.object({ kind: z.literal('refused'), code: z.enum(errorCodes), detail: z.string() }),
]);
export type DecoderReply = Readonly<z.output<typeof decoderReplySchema>>;
