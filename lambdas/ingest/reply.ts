import type { ReadMethod, Urls } from '../aws/urls.ts';
import type { ImageId } from '../image/id.ts';
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
  ): Promise<{ readonly url: string; readonly expiresAt: Date; readonly variant: ShownVariant }>;
}

/** What callers may know of a thumbnail before it exists. */
export interface ShownVariant extends Pick<Variant, 'name' | 'width' | 'height' | 'fit'> {
  readonly key: string;
  readonly contentType: string;
}

/**
 * Turns records into what callers get.
 *
 * @param isHashEnough whether to announce an image by its hash opens its thumbnails, which others may have
 *   uploaded
 */
export const createReplies = (urls: Urls, variants: Variants, isHashEnough: boolean): Replies => {
  const shown = (id: ImageId, variant: Variant): ShownVariant => ({
    ...variant,
    key: thumbnailKey(id, variant),
    contentType: thumbnailContentTypes[variant.format],
  });

  /** The variants of an image, the one for `url` first. An outdated image has those of earlier settings. */
  const variantsOf = ({
    id,
    outdated,
    thumbnails,
  }: ImageRecord): readonly [ShownVariant, ...ShownVariant[]] => {
    const [first, ...others] = variants;
    const present = [shown(id, first), ...others.map((variant) => shown(id, variant))] as const;
    if (outdated === undefined) return present;
    const [oldFirst, ...oldOthers] = Object.entries(thumbnails)
      .map(([name, thumbnail]): ShownVariant => ({ ...thumbnail, name, fit: 'inside' }))
      .toSorted((one, other) => Number(other.name === first.name) - Number(one.name === first.name));
    return oldFirst === undefined ? present : [oldFirst, ...oldOthers];
  };

  const findVariant = (record: ImageRecord, variantName: string | undefined): ShownVariant => {
    const all = variantsOf(record);
    if (variantName === undefined) return all[0];
    const variant = all.find(({ name }) => name === variantName);
    if (variant !== undefined) return variant;
    const names = all.map(({ name }) => name).join(', ');
    throw new RequestError('unknown-variant', `There is no such variant. The variants are: ${names}.`, {
      field: 'variant',
    });
  };

  return {
    async imageReply(record, apiUrl) {
      const { id, status, announced, original, thumbnails, thumbhash, outdated, error } = record;
      const common = {
        id,
        status,
        link: `${apiUrl}/thumbnails/${id}`,
        original: announced ? {} : original,
      };
      if (status === 'failed') return { ...common, thumbnails: {}, error };
      if (announced && !isHashEnough) return { ...common, thumbnails: {} };
      const signer = await urls.signer();
      const thumbnailReply = async ({ name, key, contentType }: ShownVariant) => {
        const stored = status === 'ready' ? thumbnails[name] : undefined;
        const { width, height, bytes } = stored ?? {};
        return { name, url: await signer.sign(key), contentType, width, height, bytes };
      };
      const [first, ...others] = variantsOf(record);
      const signed = await Promise.all([thumbnailReply(first), ...others.map(thumbnailReply)]);
      return {
        ...common,
        url: signed[0].url,
        expiresAt: signer.expiresAt.toISOString(),
        thumbnails: Object.fromEntries(signed.map(({ name, ...thumbnail }) => [name, thumbnail])),
        ...(status === 'ready' ? { thumbhash, outdated } : {}),
      };
    },

    async thumbnailUrl(record, variantName, method) {
      const { sign, expiresAt } = await urls.signer();
      const variant = findVariant(record, variantName);
      return { url: await sign(variant.key, method), expiresAt, variant };
    },
  };
};
