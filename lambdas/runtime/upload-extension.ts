import type * as z from 'zod';
import type { ImageId } from '../image/id.ts';

/**
 * Something that a caller may ask for together with an upload. `lambdas/ingest/extensions.ts` lists them all.
 */
export interface UploadExtension<Code extends string = string> {
  /**
   * Reads what a request asks for, before anything of the request is stored.
   *
   * @returns undefined when it asks for nothing
   * @throws RequestError when the caller cannot get it
   */
  read(request: Request): UploadWish | undefined;
  /** What the extension adds to the description of both upload routes. */
  describe(): ExtensionDescription<Code>;
}

/** What one request asked an extension for. */
export interface UploadWish {
  /**
   * Called before the image's record or bytes are stored, so that no event of the image can precede the wish.
   *
   * @param presigned the upload that has yet to prove the bytes. @default - the caller sent the bytes
   */
  record(id: ImageId, presigned?: UnprovenUpload): Promise<void>;
  /** The error for a caller who announces a stored image: that does not prove to have its bytes. */
  missingBytes(): Error;
}

export interface UnprovenUpload {
  readonly uploadId: string;
  /** When its presigned URL expires. */
  readonly expiresAt: Date;
}

export interface ExtensionDescription<Code extends string = string> {
  readonly parameters: readonly {
    readonly name: string;
    readonly in: 'header' | 'query';
    readonly description: string;
    readonly schema: z.ZodType;
    readonly example: string;
  }[];
  /** Errors of `POST /upload_image`. */
  readonly uploadErrors: readonly Code[];
  /** Errors of `POST /uploads`. */
  readonly announceErrors: readonly Code[];
}
