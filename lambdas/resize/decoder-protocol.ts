import * as z from 'zod';
import { errorCodes } from '../image/errors.ts';
import { variantSchema } from '../image/variant.ts';

/**
 * What a decoder's process is told. The bytes of an image are in a file, `bytesFile`, from its start: as many as `load`
 * says. They are looked at once `render` comes, or never.
 */
export const decoderRequestSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('load'), bytes: z.int().nonnegative() }),
  z.object({ kind: z.literal('render'), variants: z.array(variantSchema) }),
]);
export type DecoderRequest = z.input<typeof decoderRequestSchema>;

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

/** What it says: once that it can begin, and then one answer to each request. */
export const decoderReplySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('loaded') }),
  z.object({ kind: z.literal('rendered'), rendering: renderingSchema }),
  z.object({ kind: z.literal('refused'), code: z.enum(errorCodes), detail: z.string() }),
]);
export type DecoderReply = Readonly<z.output<typeof decoderReplySchema>>;

/** The file descriptor that an image's bytes are read from. */
export const bytesFile = 3;
