import sharp from 'sharp';

/**
 * Call it after tests of code that blocks libvips' loaders. They are blocked for the whole process, which
 * jest reuses for other test files.
 */
export const allowAllLoaders = (): void => sharp.unblock({ operation: ['VipsForeignLoad'] });
