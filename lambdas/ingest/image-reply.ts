import * as z from 'zod';
import { imageIdPattern } from '../image/id.ts';
import { failureSchema } from '../image/record.ts';
import { imageStatusSchema } from '../image/status.ts';

const url = z.url().describe('Presigned: opens in a browser. It returns 404 until the thumbnail is stored.');

/** What every route returns of an image. */
export const imageReplySchema = z.object({
  id: z.string().regex(imageIdPattern).describe('Lower-case hex SHA-256 of the uploaded bytes'),
  status: imageStatusSchema.describe(
    '`received` until every thumbnail is stored, then `ready`; `failed` for a permanent reason',
  ),
  url: url
    .optional()
    .describe(
      'Presigned URL of the first variant; absent when `failed`, and until the bytes of an announced image have proven whose it is',
    ),
  expiresAt: z.iso.datetime().optional().describe('When `url` and the URLs in `thumbnails` stop working'),
  link: z.url().describe('Permanent: redirects to a fresh presigned URL on every visit'),
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
    contentType: z.string().optional().describe('Derived from the bytes'),
    width: z.int().positive().optional().describe('Upright, in pixels, once `ready`'),
    height: z.int().positive().optional().describe('Upright, in pixels, once `ready`'),
    bytes: z.int().nonnegative().optional().describe('Absent while the image is only announced'),
    damage: z
      .string()
      .optional()
      .describe(
        'What is wrong with a damaged file that shows something: a sentence for a person, once `ready`',
      ),
  }),
  thumbhash: z.string().optional().describe('Base64 of a ThumbHash, a blurred placeholder, once `ready`'),
  outdated: z
    .string()
    .optional()
    .describe(
      'Why the thumbnails are those of earlier settings: a sentence for a person. Another upload of the image makes new ones.',
    ),
  error: failureSchema.optional().describe('Why the image `failed`'),
});

export type ImageReply = z.output<typeof imageReplySchema>;
