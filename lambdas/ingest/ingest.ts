import { ImageError } from '../image/errors.ts';
import { imageIdOf } from '../image/id.ts';
import { thumbnailKey } from '../image/keys.ts';
import { acceptedTypes, describeRefused, originalTypeOf } from '../image/original-type.ts';
import type { ImageReply } from '../image/reply.ts';
import { thumbnailContentTypes, type Variant, type Variants } from '../image/variant.ts';
import type { Originals } from '../store/originals.ts';
import type { Urls } from '../store/urls.ts';

export interface IngestProps {
  readonly originals: Originals;
  readonly urls: Urls;
  readonly variants: Variants;
}

export type Ingest = (bytes: Uint8Array) => Promise<{
  readonly reply: ImageReply;
  readonly original: 'stored' | 'already-stored';
}>;

/**
 * Takes an image in: names it by its hash, stores its bytes exactly, and tells where its thumbnails will be. Storing
 * it is what starts the resizing; this function knows nothing of that.
 *
 * @throws ImageError `empty-body`, `unsupported-type`
 */
export const createIngest =
  ({ originals, urls, variants }: IngestProps): Ingest =>
  async (bytes) => {
    if (bytes.byteLength === 0)
      throw new ImageError('empty-body', 'The request has no body: send the image as the body.');
    const contentType = originalTypeOf(bytes);
    if (contentType === undefined) {
      throw new ImageError(
        'unsupported-type',
        `The body is ${describeRefused(bytes)}. Accepted are ${Object.values(acceptedTypes).join(', ')}.`,
      );
    }
    const id = imageIdOf(bytes);
    const [original, signer] = await Promise.all([originals.put(id, bytes, contentType), urls.signer()]);
    const sign = async (variant: Variant) => ({
      name: variant.name,
      url: await signer.sign(thumbnailKey(id, variant)),
      contentType: thumbnailContentTypes[variant.format],
    });
    const [first, ...others] = variants;
    const thumbnails = await Promise.all([sign(first), ...others.map(sign)]);
    return {
      original,
      reply: {
        id,
        status: 'received',
        url: thumbnails[0].url,
        expiresAt: signer.expiresAt.toISOString(),
        thumbnails: Object.fromEntries(thumbnails.map(({ name, ...thumbnail }) => [name, thumbnail])),
        original: { contentType, bytes: bytes.byteLength },
      },
    };
  };
