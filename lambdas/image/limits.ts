import * as z from 'zod';

/**
 * What one image may cost whoever decodes it. Sides, pixels and frames are judged on the header, before a pixel is
 * decoded; time and memory end a decode that is under way.
 */
export const imageLimitsSchema = z.object({
  /** Bytes of the original. `image-too-large`; what is announced with more is refused with `body-too-large`. */
  maxUploadBytes: z.int().min(1024).max(500_000_000),
  /**
   * `image-too-large`. Pixels alone are no limit: a 270-byte PNG of 3 x 4,194,305 px held a worker for 13 s and 1.2 GB
   * (measured with sharp 0.35.5).
   */
  maxSidePixels: z.int().min(1).max(10_000_000),
  /** Width x height of one frame. `image-too-large`. */
  maxPixels: z.int().min(1).max(1_000_000_000),
  /** Frames of an animation, or pages of a TIFF: to read a WebP's 60,000 takes 5 s. `image-too-large`. */
  maxFrames: z.int().min(1).max(1_000_000),
  /** Width x height x frames of an animation, or pages of a TIFF, although only the first is decoded. `image-too-large`. */
  maxAnimationPixels: z.int().min(1).max(100_000_000_000),
  /** CPU time from the header to the last thumbnail. `decode-timeout`. */
  decodeTimeoutSeconds: z.int().min(1).max(50),
  /** Above what the process that decodes held before. `decode-memory`. */
  decodeMemoryMiB: z.int().min(128).max(8192),
});

export type ImageLimits = Readonly<z.output<typeof imageLimitsSchema>>;
