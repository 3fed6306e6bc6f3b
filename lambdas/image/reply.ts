import * as z from 'zod';
import { failureSchema } from './record.ts';

const url = z
  .url()
  .describe('Presigned: paste it into a browser. It answers 404 until the thumbnail is there.');

/** What a caller is told of an image: the same shape from every route. */
export const imageReplySchema = z.object({
  id: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('Lower-case hex SHA-256 of the uploaded bytes'),
  status: z
    .enum(['received', 'ready', 'failed'])
    .describe('`received` until every thumbnail is stored, then `ready`; `failed` for a permanent reason'),
  url: url.optional().describe('Presigned url of the first variant; absent when `failed`'),
  expiresAt: z.iso.datetime().optional().describe('When `url` and the urls in `thumbnails` stop working'),
  link: z.url().describe('Permanent: redirects to a fresh presigned url whenever it is visited'),
  thumbnails: z
    .record(
      z.string(),
      z.object({
        url,
        contentType: z.string(),
        width: z.int().positive().optional().describe('Pixels, once `ready`'),
        height: z.int().positive().optional().describe('Pixels, once `ready`'),
        bytes: z.int().positive().optional().describe('Once `ready`'),
      }),
    )
    .describe('By the name of the variant'),
  original: z.object({
    contentType: z.string().optional().describe('Judged by the bytes'),
    width: z.int().positive().optional().describe('Upright, in pixels, once `ready`'),
    height: z.int().positive().optional().describe('Upright, in pixels, once `ready`'),
    bytes: z.int().nonnegative().optional().describe('Absent while the image is only announced'),
  }),
  thumbhash: z.string().optional().describe('Base64 of a ThumbHash, a blurred placeholder, once `ready`'),
  error: failureSchema.optional().describe('Why the image `failed`'),
});

export type ImageReply = z.output<typeof imageReplySchema>;
