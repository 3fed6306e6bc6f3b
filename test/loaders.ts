import sharp from 'sharp';

/**
 * To be called after tests of code that blocks libvips' loaders. They are blocked for the whole process, which jest goes on
 * to use for other test files.
 */
export const allowAllLoaders = (): void => sharp.unblock({ operation: ['VipsForeignLoad'] });
