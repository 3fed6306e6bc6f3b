import * as z from 'zod';
import { imageErrorCodes } from './errors.ts';
import { imageIdPattern } from './id.ts';
import { imageStatusSchema } from './status.ts';

const pixels = z.int().positive();
const bytes = z.int().nonnegative();
const milliseconds = z.int().nonnegative();

/** The fields of every event. */
const facts = {
  schemaVersion: z
    .literal(1)
    .describe('Incremented when a field is removed or changes its meaning, not for new fields'),
  eventId: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .describe('The same for every delivery: events arrive at least once'),
  time: z.iso.datetime().describe('When it happened, UTC'),
  imageId: z.string().regex(imageIdPattern).describe('Lower-case hex SHA-256 of the image'),
};

const original = z.object({
  contentType: z.string().optional().describe('Derived from the bytes'),
  width: pixels.optional().describe('Upright'),
  height: pixels.optional().describe('Upright'),
  bytes,
  damage: z.string().optional().describe('What is wrong with a damaged file, in a sentence for a person'),
});

/**
 * The events of the topic `image-events`: delivered at least once and in any order. They contain no presigned
 * URL and no mail address.
 */
export const imageEventSchema = z.discriminatedUnion('type', [
  z
    .object({ ...facts, type: z.literal('image.received'), original })
    .describe('A new image is stored. For a presigned upload it is published once the bytes have been read'),
  z
    .object({
      ...facts,
      type: z.literal('image.duplicate'),
      status: imageStatusSchema.describe('The state of the image at that time'),
      original,
    })
    .describe('An image was uploaded again: nothing was stored or resized'),
  z
    .object({
      ...facts,
      type: z.literal('image.ready'),
      original,
      thumbnails: z.array(
        z.object({ variant: z.string(), contentType: z.string(), width: pixels, height: pixels, bytes }),
      ),
      resizeMilliseconds: milliseconds.describe('Fetching, decoding, encoding and storing'),
      uploadToReadyMilliseconds: milliseconds
        .optional()
        .describe('Since the original was stored; absent when that time is unknown'),
    })
    .describe('Every thumbnail is stored. Published again when the variants have changed'),
  z
    .object({ ...facts, type: z.literal('image.failed'), original, code: z.enum(imageErrorCodes) })
    .describe('The image has no thumbnails, for the reason in `code`'),
  z
    .object({ ...facts, type: z.literal('link.served'), variant: z.string() })
    .describe('A permanent link redirected to a thumbnail'),
  z
    .object({ ...facts, type: z.literal('image.deleted') })
    .describe('Nothing of the image is stored any more. An upload of the same bytes is a new image'),
]);

export type ImageEvent = Readonly<z.output<typeof imageEventSchema>>;

export type ImageEventType = ImageEvent['type'];
