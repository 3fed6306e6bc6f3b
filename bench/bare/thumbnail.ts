import sharp from 'sharp';

/** The default variant by libvips' `thumbnail_buffer`, as sharp calls it, and the same encoder. */
export const bareThumbnail = (bytes: Uint8Array, side = 320): Promise<Buffer> =>
  sharp(bytes)
    .autoOrient()
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80, effort: 2 })
    .toBuffer();
