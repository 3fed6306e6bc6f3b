import { ImageError } from '../image/errors.ts';
import type { ImageId } from '../image/id.ts';
import { thumbnailKey } from '../image/keys.ts';
import { originalTypeOf, requireAcceptedType } from '../image/original-type.ts';
import { fingerprintOf, isSettled, type Original, type StoredThumbnail } from '../image/record.ts';
import { thumbnailContentTypes, type Variant, type Variants } from '../image/variant.ts';
import type { Catalog, Finished } from '../store/catalog.ts';
import type { Originals } from '../store/originals.ts';
import type { Thumbnails } from '../store/thumbnails.ts';
import { ArrivedBytes } from './arrived-bytes.ts';
import { type Decoder, DecoderDied } from './decoder.ts';
import type { Rendering } from './decoder-protocol.ts';

export interface ResizeProps {
  readonly originals: Originals;
  readonly thumbnails: Thumbnails;
  readonly catalog: Catalog;
  readonly decoder: Decoder;
  readonly variants: Variants;
  /** Bytes of the largest original that is fetched. */
  readonly maxBytes: number;
}

/** Says what was made, or that nothing was left to do. */
export type Resize = (id: ImageId) => Promise<Finished | 'already-settled'>;

/**
 * Makes and stores the thumbnails of one original that are not there yet, and then says so in the catalog. It may be
 * ended at any moment and done again: thumbnails are written first and the record last, each under the same key.
 *
 * @throws ImageError when the image is at fault, once the catalog says so; anything else may succeed when tried again
 */
export const createResize = (props: ResizeProps): Resize => {
  const { originals, thumbnails, catalog, decoder, variants, maxBytes } = props;
  const fingerprint = fingerprintOf(variants);

  const store = async (
    id: ImageId,
    variant: Variant,
    { width, height, bytes }: Rendering['thumbnails'][number],
  ) => {
    const key = thumbnailKey(id, variant);
    const contentType = thumbnailContentTypes[variant.format];
    await thumbnails.put(key, bytes, contentType);
    const stored: StoredThumbnail = { key, contentType, width, height, bytes: bytes.byteLength };
    return [variant.name, stored] as const;
  };

  /** Fetches an original and makes variants of it. Whatever comes of it, `found` learns what is known of its bytes. */
  const decode = async (id: ImageId, wanted: readonly Variant[], found: { original: Original }) => {
    const source = await originals.open(id);
    found.original = { bytes: source.bytes };
    if (source.bytes > maxBytes) {
      source.body.destroy();
      throw new ImageError(
        'image-too-large',
        `The image has ${source.bytes} bytes. At most ${maxBytes} are accepted.`,
      );
    }
    const arrived = new ArrivedBytes();
    const image = await decoder.load({ bytes: source.bytes, body: arrived.from(source.body) });
    try {
      found.original = { bytes: source.bytes, contentType: originalTypeOf(arrived.start) };
      arrived.requireId(id);
      requireAcceptedType(arrived.start);
      return await image.render(wanted);
    } finally {
      image.close();
    }
  };

  /** A decoder that dies is no proof against the image: something else may have taken its memory. Two of them are. */
  const decodeOnceMore = async (...job: Parameters<typeof decode>): Promise<Rendering> => {
    try {
      return await decode(...job);
    } catch (error) {
      if (!(error instanceof DecoderDied)) throw error;
      throw new ImageError('processing-failed', 'Decoding it ended the decoder, twice.', { cause: error });
    }
  };

  return async (id) => {
    const startedAt = performance.now();
    const record = await catalog.find(id);
    if (record && isSettled(record, fingerprint)) return 'already-settled';

    const there = Object.entries(record?.thumbnails ?? {}).filter(([name, { key }]) =>
      variants.some((variant) => variant.name === name && thumbnailKey(id, variant) === key),
    );
    const missing = variants.filter(({ name }) => !there.some(([thereName]) => thereName === name));
    if (record && missing.length === 0) {
      // Variants were only taken away.
      const { original, thumbhash } = record;
      const finished = { original, thumbnails: Object.fromEntries(there), thumbhash, resizeMilliseconds: 0 };
      await catalog.finish(id, fingerprint, finished);
      return finished;
    }
    const found: { original: Original } = { original: { bytes: 0 } };
    try {
      const rendering = await decode(id, missing, found).catch((error) => {
        if (error instanceof DecoderDied) return decodeOnceMore(id, missing, found);
        throw error;
      });
      const made = await Promise.all(
        missing.map((variant, index) => {
          const thumbnail = rendering.thumbnails[index];
          if (thumbnail === undefined) throw new Error(`The decoder left out the variant ${variant.name}.`);
          return store(id, variant, thumbnail);
        }),
      );
      const finished: Finished = {
        original: { ...found.original, ...rendering.original },
        thumbnails: Object.fromEntries([...there, ...made]),
        thumbhash: rendering.thumbhash,
        resizeMilliseconds: Math.round(performance.now() - startedAt),
      };
      await catalog.finish(id, fingerprint, finished);
      return finished;
    } catch (error) {
      // An original that is not there may still come: its image has not failed.
      if (error instanceof ImageError && error.code !== 'original-missing') {
        await catalog.fail(id, fingerprint, found.original, error.failure);
      }
      throw error;
    }
  };
};
