import type { ImageId } from './id.ts';

/** What a caller is told of an image: the same shape from every route. */
export interface ImageReply {
  readonly id: ImageId;
  /** `received`: the original is stored and its thumbnails are being made. */
  readonly status: 'received';
  /** Presigned: shows the first variant's thumbnail, or answers 404 until it is there. */
  readonly url: string;
  /** ISO 8601, UTC: when `url` and the thumbnails' urls stop working. */
  readonly expiresAt: string;
  /** One entry for each variant, by its name. */
  readonly thumbnails: Readonly<Record<string, { readonly url: string; readonly contentType: string }>>;
  readonly original: { readonly contentType: string; readonly bytes: number };
}
