import { createHash } from 'node:crypto';
import * as z from 'zod';
import { imageIdPattern } from '../image/id.ts';
import { json } from '../runtime/environment.ts';
import { RequestError } from '../runtime/request-error.ts';
import type { Position } from './ownerships.ts';

const positionSchema = json(z.tuple([z.iso.datetime(), z.string().regex(imageIdPattern)]));

const checksumBytes = 12;

/** Ties a cursor to its owner. What it could reveal is in the owner's own list, so it needs no secret. */
const checksumOf = (owner: string, text: Buffer): Buffer =>
  createHash('sha256').update(owner).update(text).digest().subarray(0, checksumBytes);

/** A place in the list of an owner, as a text that callers pass back unchanged. */
export const writeCursor = (owner: string, { createdAt, imageId }: Position): string => {
  const text = Buffer.from(JSON.stringify([createdAt, imageId]));
  return Buffer.concat([checksumOf(owner, text), text]).toString('base64url');
};

/** @throws RequestError `invalid-cursor` for everything that `writeCursor` has not made for this owner */
export const readCursor = (owner: string, cursor: string): Position => {
  const bytes = Buffer.from(cursor, 'base64url');
  const text = bytes.subarray(checksumBytes);
  // Base64 has several spellings of the same bytes.
  const isOurs =
    bytes.toString('base64url') === cursor &&
    checksumOf(owner, text).equals(bytes.subarray(0, checksumBytes));
  // An owner who knows the checksum's recipe can make one of any text.
  const position = isOurs ? positionSchema.safeParse(text.toString()) : undefined;
  if (position?.success) return { createdAt: position.data[0], imageId: position.data[1] };
  throw new RequestError('invalid-cursor', 'Pass the cursor as "next" of a list has it, or leave it out.', {
    field: 'cursor',
  });
};
