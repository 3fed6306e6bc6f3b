import * as z from 'zod';
import { imageIdPattern } from '../image/id.ts';

/** The body of `POST /uploads`. */
export const uploadRequestSchema = z.strictObject({
  sha256: z
    .string('sha256 must be 64 lower-case hexadecimal digits')
    .regex(imageIdPattern, 'sha256 must be 64 lower-case hexadecimal digits')
    .describe("The SHA-256 of the image's bytes, in lower-case hex: `sha256sum photo.tif`"),
  bytes: z
    .int('bytes must be a whole number of at least 1')
    .min(1, 'bytes must be a whole number of at least 1')
    .describe('The length of the image'),
});
