import { createHash } from 'node:crypto';

/** The lower-case hex SHA-256 of an image's bytes: 64 characters. Equal bytes are the same image. */
export type ImageId = string;

export const imageIdOf = (bytes: Uint8Array): ImageId => createHash('sha256').update(bytes).digest('hex');

/** The same, worked out beside the event loop, so that a request that was just begun is sent meanwhile. */
export const imageIdInBackground = async (bytes: Uint8Array<ArrayBuffer>): Promise<ImageId> =>
  Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex');

export const isImageId = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);
