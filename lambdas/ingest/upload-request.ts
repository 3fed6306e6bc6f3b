import * as z from 'zod';

/** The body of `POST /uploads`. */
export const uploadRequestSchema = z.strictObject({
  sha256: z
    .string('sha256 must be 64 lower-case hexadecimal digits')
    .regex(/^[0-9a-f]{64}$/, 'sha256 must be 64 lower-case hexadecimal digits')
    .describe("The SHA-256 of the image's bytes, in lower-case hex: `sha256sum photo.tif`"),
  bytes: z
    .int('bytes must be a whole number of at least 1')
    .min(1, 'bytes must be a whole number of at least 1')
    .describe("The image's length"),
});
