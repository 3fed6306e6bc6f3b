import * as z from 'zod';

/** The contract's reply as a client relies on it: this and nothing else, whatever the service's own schema says. */
export const replySchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{64}$/),
  status: z.enum(['received', 'ready', 'failed']),
  url: z.url().optional(),
  expiresAt: z.iso.datetime().optional(),
  link: z.url(),
  thumbnails: z.record(
    z.string(),
    z.strictObject({
      url: z.url(),
      contentType: z.string(),
      width: z.int().optional(),
      height: z.int().optional(),
      bytes: z.int().optional(),
    }),
  ),
  original: z.strictObject({
    contentType: z.string().optional(),
    width: z.int().optional(),
    height: z.int().optional(),
    bytes: z.int().optional(),
  }),
  thumbhash: z.string().optional(),
  error: z.strictObject({ code: z.string(), detail: z.string() }).optional(),
  upload: z
    .strictObject({
      method: z.literal('PUT'),
      url: z.url(),
      headers: z.record(z.string(), z.string()),
      expiresAt: z.iso.datetime(),
    })
    .optional(),
});
export type Reply = z.output<typeof replySchema>;

/** A reply that has URLs: every one but that of an image that failed. */
export const shownReplySchema = replySchema.extend({ url: z.url(), expiresAt: z.iso.datetime() });
export type ShownReply = z.output<typeof shownReplySchema>;
