import * as z from 'zod';

/** The reply of the contract, independent of the schema in the code. */
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
    damage: z.string().optional(),
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

/** A reply with URLs: every reply except that of a failed image. */
export const shownReplySchema = replySchema.extend({ url: z.url(), expiresAt: z.iso.datetime() });
export type ShownReply = z.output<typeof shownReplySchema>;
