import type { Context, Handler } from 'hono';
import * as z from 'zod';
import { imageStatusSchema } from '../image/status.ts';
import type { OwnImages } from '../owners/own-images.ts';
import { RequestError } from '../runtime/request-error.ts';
import { noImage } from './ingest.ts';
import { sendJson } from './negotiation.ts';
import type { Replies } from './reply.ts';
import { requireId } from './validation.ts';

export interface OwnImagesHandlersProps {
  readonly replies: Replies;
  readonly ownImagesOf: (c: Context) => OwnImages;
  /** Where the caller reaches the API: with the stage, without a trailing slash. */
  readonly apiUrl: (c: Context) => string;
}

export const maxImagesOfPage = 100;
export const usualImagesOfPage = 20;

const wrongLimit = `limit must be a whole number from 1 to ${maxImagesOfPage}`;

/** The query of `GET /images`. */
const listQuerySchema = z.object({
  status: z
    .enum(
      imageStatusSchema.options,
      `status must be one of: ${imageStatusSchema.options.map((name) => `"${name}"`).join(', ')}`,
    )
    .optional(),
  limit: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, wrongLimit)
    .transform(Number)
    .refine((limit) => limit <= maxImagesOfPage, wrongLimit)
    .default(usualImagesOfPage),
  cursor: z.string().optional(),
});

/** The routes that only a deployment with known callers has. */
export const createOwnImagesHandlers = ({ replies, ownImagesOf, apiUrl }: OwnImagesHandlersProps) => {
  const list: Handler = async (c) => {
    const { success, data: query, error } = listQuerySchema.safeParse(c.req.query());
    if (!success) {
      const [issue] = error.issues;
      throw new RequestError('invalid-request', `${issue?.message}.`, {
        field: issue?.path.join('.'),
        cause: error,
      });
    }
    const { records, next } = await ownImagesOf(c).list(query);
    const images = await Promise.all(records.map((record) => replies.imageReply(record, apiUrl(c))));
    c.header('Cache-Control', 'no-store');
    if (next !== undefined) c.header('Link', `<${nextUrl(c, next)}>; rel="next"`);
    return sendJson(c, { images, next });
  };

  const nextUrl = (c: Context, cursor: string): string => {
    const query = new URLSearchParams({ ...c.req.query(), cursor });
    return `${apiUrl(c)}/images?${query}`;
  };

  const remove: Handler = async (c) => {
    const id = requireId(c.req.param('id'));
    if (!(await ownImagesOf(c).remove(id))) throw noImage();
    return c.body(null, 204);
  };

  return { list, remove };
};
