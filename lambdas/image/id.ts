import { createHash } from 'node:crypto';

/** The lower-case hex SHA-256 of an image's bytes: 64 characters. Equal bytes are the same image. */
export type ImageId = string;

export const imageIdPattern = /^[0-9a-f]{64}$/;

export const imageIdOf = (bytes: Uint8Array): ImageId => createHash('sha256').update(bytes).digest('hex');

export const isImageId = (text: string): boolean => imageIdPattern.test(text);
