import * as z from 'zod';
import { damageKinds } from '../../image/damage.ts';
import type { Variant } from '../../image/variant.ts';
import type { DecodeAllowance } from '../lanes.ts';

/*
 * Requests and replies are lines of JSON on pipes; bytes pass both ways through a file that only the two
 * processes have open. Node's own channel between processes would deserialize whatever a hostile decoder
 * sends, of any size, and throw where nothing can catch it.
 */

/** Longer replies are malformed. */
export const maxReplyBytes = 65_536;

/** Asks for variants of the image in the file. The decoder empties the file. */
export interface DecoderRequest {
  /** Length of the image, which begins at the start of the file. */
  readonly bytes: number;
  readonly variants: readonly Variant[];
  readonly allowance: DecodeAllowance;
}

const pixels = z.int().positive();

const size = { width: pixels, height: pixels };

const describedThumbnail = z.object({ bytes: pixels, ...size });
export type DescribedThumbnail = Readonly<z.output<typeof describedThumbnail>>;

/** Why a decode stopped: the header promises too much work, or the decode used more than its allowance. */
const exceeded = z.enum(['estimate', 'cpu', 'memory']);
export type Exceeded = z.output<typeof exceeded>;

/** Verdicts that the bytes alone determine. */
const verdicts = z.enum(['unsupported-type', 'image-too-large', 'image-corrupt']);

/** For the log, in the words of the library that decoded the image. */
const reason = z
  .string()
  .max(1000)
  .regex(/^\P{C}*$/u);

const damage = z.object({ kind: z.enum(damageKinds), reason });

/** Memory that the process holds after an image. */
const residentMiB = z.number().nonnegative();

/**
 * A decoder replies once that it is ready, and then once to each request. Replies are checked, because an
 * image may have taken over the process.
 */
export const decoderReplySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({
    kind: z.literal('rendered'),
    original: z.object(size),
    damage: damage.optional(),
    /** Base64 of a ThumbHash, which has at most 25 bytes. */
    thumbhash: z
      .string()
      .max(36)
      .regex(/^[A-Za-z0-9+/]+={0,2}$/),
    /** One for each variant, in their order. Their bytes are in the file, one after the other. */
    thumbnails: z.array(describedThumbnail),
    residentMiB,
  }),
  z.object({
    kind: z.literal('refused'),
    code: verdicts,
    detail: z.string().max(1000),
    reason: reason.optional(),
    residentMiB,
  }),
  z.object({ kind: z.literal('exceeded'), what: exceeded }),
]);
export type DecoderReply = Readonly<z.output<typeof decoderReplySchema>>;

export interface RenderedThumbnail {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** The result of one decode. */
export interface Rendering {
  /** The image's own size, upright. */
  readonly original: { readonly width: number; readonly height: number };
  /** What is wrong with it. @default - nothing that a user would notice */
  readonly damage?: z.output<typeof damage> | undefined;
  /** One for each variant, in their order. */
  readonly thumbnails: readonly RenderedThumbnail[];
  /** Base64 of a ThumbHash. */
  readonly thumbhash: string;
}
