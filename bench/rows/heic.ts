import { Readable } from 'node:stream';
import { variantsSchema } from '../../lambdas/image/variant.ts';
import { createDecoder } from '../../lambdas/resize/decoder/pool.ts';
import { renderImage } from '../../lambdas/resize/decoder/render.ts';
import { readSettings } from '../../lib/settings.ts';
import { heicFile } from '../../test/heic-files.ts';
import { measuredOf, pairsOf, type Row } from '../row.ts';

const limits = readSettings({});
const oneVariant = variantsSchema.parse([{ name: 'thumbnail' }]);
const largeJpeg = variantsSchema.parse([
  { name: 'large', width: 4096, height: 4096, format: 'jpeg', quality: 92 },
]);

/** No program in Node.js encodes HEVC, so the photo is a file of the tests: 12 MP in tiles, of 1.9 MB. */
const withThumbnail = (): Buffer => heicFile('photo');

/** A reader does not know this reference, so the file has no thumbnail. */
const withoutThumbnail = (): Buffer => {
  const bytes = heicFile('photo');
  bytes.write('skip', bytes.indexOf('thmb', 0, 'latin1'), 'latin1');
  return bytes;
};

const samePhotoAsJpeg = async (): Promise<Buffer> => {
  const { thumbnails } = await renderImage(withoutThumbnail(), largeJpeg, limits);
  const [jpeg] = thumbnails;
  if (jpeg === undefined) throw new Error('There is no JPEG.');
  return Buffer.from(jpeg.bytes);
};

const wallOf = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

const embedded: Row = {
  key: 'heic-thumbnail',
  what: 'resize core, 12 MP HEIC with a usable thumbnail',
  against: 'the same, JPEG of the same photo',
  goal: { be: 'at most', ratio: 1.5 },
  measure: async (workbench) => {
    const [heic, jpeg] = [withThumbnail(), await samePhotoAsJpeg()];
    const pairs = await pairsOf(
      workbench,
      { full: 60, warmUp: 10 },
      () => wallOf(() => renderImage(heic, oneVariant, limits)),
      () => wallOf(() => renderImage(jpeg, oneVariant, limits)),
    );
    return measuredOf('ms', pairs);
  },
};

const goalMilliseconds = 1200;

/** In the slow lane each image gets a process of its own, which loads libheif first. */
const whole: Row = {
  key: 'heic',
  what: 'decoder process of the slow lane, 12 MP HEIC without a thumbnail',
  against: '1.2 s',
  goal: { be: 'at most', ratio: 1 },
  measure: async (workbench) => {
    const bytes = withoutThumbnail();
    const silent = () => {};
    const log = { info: silent, warn: silent, error: silent };
    const decoder = createDecoder(limits, log, { lane: 'slow' });
    const pairs = await pairsOf(
      workbench,
      { full: 10, warmUp: 1 },
      () => wallOf(() => decoder.decode(Readable.from([bytes]), oneVariant)),
      async () => goalMilliseconds,
    );
    return measuredOf('ms', pairs);
  },
};

export const heicRows: readonly Row[] = [embedded, whole];
