import type { ReadMethod, Urls } from '../aws/urls.ts';
import { thumbnailKey } from '../image/keys.ts';
import type { ImageRecord } from '../image/record.ts';
import { thumbnailContentTypes, type Variant, type Variants } from '../image/variant.ts';
import { RequestError } from '../runtime/request-error.ts';
import type { ImageReply } from './image-reply.ts';

export interface Replies {
  /** @param apiUrl where the caller reaches the API: with the stage, without a trailing slash */
  imageReply(record: ImageRecord, apiUrl: string): Promise<ImageReply>;
  /**
   * A fresh presigned URL of one variant's thumbnail.
   *
   * @param variantName the first variant when undefined
   * @param method with which the URL will be requested
   * @throws RequestError `unknown-variant`, which lists the variants
   */
  thumbnailUrl(
    record: ImageRecord,
    variantName: string | undefined,
    method: ReadMethod,
  ): Promise<{ readonly url: string; readonly expiresAt: Date; readonly variant: Variant }>;
}

/**
 * Turns records into what callers get.
 *
 * @param isHashEnough whether to announce an image by its hash opens its thumbnails, which others may have
 *   uploaded
 */
export const createReplies = (urls: Urls, variants: Variants, isHashEnough: boolean): Replies => {
  const findVariant = (variantName: string | undefined): Variant => {
    if (variantName === undefined) return variants[0];
    const variant = variants.find(({ name }) => name === variantName);
    if (variant !== undefined) return variant;
    const names = variants.map(({ name }) => name).join(', ');
    throw new RequestError('unknown-variant', `There is no such variant. The variants are: ${names}.`, {
      field: 'variant',
    });
  };

  return {
    async imageReply({ id, status, announced, original, thumbnails, thumbhash, error }, apiUrl) {
      const common = {
        id,
        status,
        link: `${apiUrl}/thumbnails/${id}`,
        original: announced ? {} : original,
      };
      if (status === 'failed') return { ...common, thumbnails: {}, error };
      if (announced && !isHashEnough) return { ...common, thumbnails: {} };
      const signer = await urls.signer();
      const thumbnailReply = async (variant: Variant) => {
        const stored = status === 'ready' ? thumbnails[variant.name] : undefined;
        const { width, height, bytes } = stored ?? {};
        return {
          name: variant.name,
          url: await signer.sign(thumbnailKey(id, variant)),
          contentType: thumbnailContentTypes[variant.format],
          width,
          height,
          bytes,
        };
      };
      const [first, ...others] = variants;
      const signed = await Promise.all([thumbnailReply(first), ...others.map(thumbnailReply)]);
      return {
        ...common,
        url: signed[0].url,
        expiresAt: signer.expiresAt.toISOString(),
        thumbnails: Object.fromEntries(signed.map(({ name, ...thumbnail }) => [name, thumbnail])),
        ...(status === 'ready' ? { thumbhash } : {}),
      };
    },

    async thumbnailUrl({ id }, variantName, method) {
      const { sign, expiresAt } = await urls.signer();
      const variant = findVariant(variantName);
      return { url: await sign(thumbnailKey(id, variant), method), expiresAt, variant };
    },
  };
};
