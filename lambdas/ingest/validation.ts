import type * as z from 'zod';
import { type ImageId, isImageId } from '../image/id.ts';
import { RequestError } from '../runtime/request-error.ts';

/** @throws RequestError `invalid-request` */
export const requireId = (id: string | undefined): ImageId => {
  if (id !== undefined && isImageId(id)) return id;
  throw new RequestError(
    'invalid-request',
    'An id is 64 lower-case hexadecimal digits: the SHA-256 of the image.',
    { field: 'id' },
  );
};

/** @throws RequestError `invalid-request` that names the first wrong field */
export const parseJson = <Schema extends z.ZodType>(schema: Schema, body: Uint8Array): z.output<Schema> => {
  const { success, data, error } = schema.safeParse(fromJson(new TextDecoder().decode(body)));
  if (success) return data;
  const [issue] = error.issues;
  throw new RequestError('invalid-request', issue?.message ?? 'The body is malformed.', {
    cause: error,
    field: issue?.path.join('.') || undefined,
  });
};

const fromJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RequestError('invalid-request', 'The body is not JSON.', { cause });
  }
};
