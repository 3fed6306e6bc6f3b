import * as z from 'zod';
import { errorCodes } from './errors.ts';

const pixels = z.int().positive();
const bytes = z.int().nonnegative();
const milliseconds = z.int().nonnegative();

/** What every event tells. */
const facts = {
  schemaVersion: z
    .literal(1)
    .describe('Raised when a field changes its meaning or goes; new fields may come without'),
  eventId: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .describe('The same however often a fact is told: events arrive at least once'),
  time: z.iso.datetime().describe('When it happened, UTC'),
  imageId: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('Lower-case hex SHA-256 of the image'),
};

const original = z.object({
  contentType: z.string().optional().describe('Judged by the bytes'),
  width: pixels.optional().describe('Upright'),
  height: pixels.optional().describe('Upright'),
  bytes,
});

/**
 * What is told of images on the topic `image-events`: one event for each fact, at least once, in any order. There is
 * no URL in it that opens anything, and no person's address.
 */
export const imageEventSchema = z.discriminatedUnion('type', [
  z
    .object({ ...facts, type: z.literal('image.received'), original })
    .describe('A new image is stored. Of a presigned upload this is told once its bytes have been read'),
  z
    .object({
      ...facts,
      type: z.literal('image.duplicate'),
      status: z.enum(['received', 'ready', 'failed']).describe('What had come of it by then'),
      original,
    })
    .describe('An image was brought that was there already: nothing was stored, nothing is made again'),
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
        .describe('From the moment at which the original was stored; absent when nobody knows it'),
    })
    .describe('Every thumbnail is stored. Again when the variants have changed'),
  z
    .object({ ...facts, type: z.literal('image.failed'), original, code: z.enum(errorCodes) })
    .describe('No thumbnails will come of it, for the reason that the code tells'),
  z
    .object({ ...facts, type: z.literal('link.served'), variant: z.string() })
    .describe('A permanent link led somebody to a thumbnail'),
]);

export type ImageEvent = Readonly<z.output<typeof imageEventSchema>>;

export type ImageEventType = ImageEvent['type'];
