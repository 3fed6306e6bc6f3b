/** One thumbnail of an image. Its size is known once the image is `ready`. */
export interface Thumbnail {
  readonly url: string;
  readonly contentType: string;
  readonly width?: number;
  readonly height?: number;
  readonly bytes?: number;
}

/** What the API says of an image. */
export interface ImageRecord {
  /** Lower-case hex SHA-256 of the uploaded bytes. */
  readonly id: string;
  readonly status: 'received' | 'ready' | 'failed';
  /** Permanent: redirects to a fresh presigned URL on every visit. */
  readonly link: string;
  /** Presigned URL of the first variant. */
  readonly url?: string;
  /** When `url` and the URLs in `thumbnails` stop working. */
  readonly expiresAt?: string;
  /** By the name of the variant. */
  readonly thumbnails: Readonly<Record<string, Thumbnail>>;
  readonly original: {
    readonly contentType?: string;
    readonly width?: number;
    readonly height?: number;
    readonly bytes?: number;
    /** What is wrong with a file of which something can be shown. */
    readonly damage?: string;
  };
  /** Base64 of a ThumbHash, a blurred placeholder. */
  readonly thumbhash?: string;
}

export interface Progress {
  /** In this order. A retry does not go back. */
  readonly phase: 'reading' | 'uploading' | 'processing';
  /** Bytes that were sent. It never decreases. */
  readonly loaded: number;
  readonly total: number;
}

export interface UploadOptions {
  /** The address of the API with its stage, such as `https://….amazonaws.com/dev`. */
  readonly api: string;
  /** An access token, or a function that returns a fresh one. @default - the API is open */
  readonly token?: string | (() => string | Promise<string>);
  readonly onProgress?: (progress: Progress) => void;
  /** Stops the upload. `upload` then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How long to wait for thumbnails after the bytes are stored. @default 120 */
  readonly waitSeconds?: number;
}

/** Why an upload failed. */
export declare class UploadError extends Error {
  /**
   * A code of the API (docs/api.md), or one of the client: `unreachable`, `unreadable-file`, `upload-refused`
   * (by S3), `still-processing`, `unexpected-reply`.
   */
  readonly code: string;
  /** The HTTP status. Undefined when there was no reply. */
  readonly status?: number;
  /** Seconds after which the API suggests to retry. */
  readonly retryAfterSeconds?: number;
}

/**
 * Uploads an image and waits for its thumbnails. Small images are posted, large ones go straight to S3.
 * Whatever is worth a retry is tried again.
 *
 * @returns the record of an image that is `ready`
 * @throws UploadError, or the reason of the signal
 */
export declare function upload(
  file: Blob | ArrayBuffer | Uint8Array,
  options: UploadOptions,
): Promise<ImageRecord>;
