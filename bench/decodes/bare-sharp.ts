import { readFileSync } from 'node:fs';
import sharp from 'sharp';

/**
 * `bare-sharp.ts <file>`: nothing but sharp, told through its channel how many times to make the thumbnail that the
 * service makes of each image by default. No judgement of the image, no limits, no placeholder.
 */
const [, , file = ''] = process.argv;
const bytes = readFileSync(file);
const render = () =>
  sharp(bytes)
    .autoOrient()
    .resize({ width: 320, height: 320, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80, effort: 2 })
    .toBuffer();

process.on('message', async (times) => {
  for (let count = 0; count < Number(times); count += 1) await render();
  process.send?.('done');
});
process.once('disconnect', () => process.exit());
process.send?.('ready');
