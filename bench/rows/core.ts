import { Readable } from 'node:stream';
import { variantsSchema } from '../../lambdas/image/variant.ts';
import { createDecoder } from '../../lambdas/resize/decoder/pool.ts';
import { renderImage } from '../../lambdas/resize/decoder/render.ts';
import { readSettings } from '../../lib/settings.ts';
import { bareThumbnail } from '../bare/thumbnail.ts';
import { type PhotoName, photoNames } from '../photos.ts';
import { measuredOf, pairsOf, type Row } from '../row.ts';
import type { Workbench } from '../workbench.ts';

const limits = readSettings({});
const oneVariant = variantsSchema.parse([{ name: 'thumbnail' }]);

const wallOf = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

const cpuOf = async (work: () => Promise<unknown>): Promise<number> => {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

const coreAgainstBare = async (workbench: Workbench, name: PhotoName, full: number) => {
  const { bytes } = await workbench.photo(name);
  const pairs = await pairsOf(
    workbench,
    { full, warmUp: 5 },
    () => wallOf(() => renderImage(bytes, oneVariant, limits)),
    () => wallOf(() => bareThumbnail(bytes)),
  );
  return measuredOf('ms', pairs);
};

const bare = "libvips' thumbnail through sharp, same output";

/** The resize core compared with the least that libvips needs for the same output, in one process. */
const core: Row = {
  key: 'core',
  what: 'resize core, 12 MP JPEG to 320 WebP',
  against: bare,
  goal: { be: 'at most', ratio: 1.03 },
  measure: (workbench) => coreAgainstBare(workbench, '12 MP JPEG', 100),
};

const coreOfOtherPhotos: readonly Row[] = photoNames
  .filter((name) => name !== '12 MP JPEG')
  .map((name) => ({
    key: `core-${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`,
    what: `the same, ${name}`,
    against: bare,
    measure: (workbench) => coreAgainstBare(workbench, name, 20),
  }));

/** The core as it runs in production: in a process of its own, which receives the bytes. */
const decoder: Row = {
  key: 'decoder',
  what: 'the same in the decoder process, 12 MP JPEG',
  against: bare,
  measure: async (workbench) => {
    const { bytes } = await workbench.photo('12 MP JPEG');
    const silent = () => {};
    const log = { info: silent, warn: silent, error: silent };
    const service = createDecoder(limits, log, { lane: 'fast' });
    const render = async (): Promise<void> => {
      // In chunks, as from S3.
      const body = Readable.from(chunksOf(bytes));
      await service.decode(body, oneVariant);
    };
    const pairs = await pairsOf(
      workbench,
      { full: 60, warmUp: 5 },
      () => wallOf(render),
      () => wallOf(() => bareThumbnail(bytes)),
    );
    return measuredOf('ms', pairs);
  },
};

const chunkBytes = 65_536;

const chunksOf = function* (bytes: Buffer) {
  for (let start = 0; start < bytes.byteLength; start += chunkBytes) {
    yield bytes.subarray(start, start + chunkBytes);
  }
};

const fourVariants: Row = {
  key: 'four-variants',
  what: 'four variants (160, 320, 640, 1280) of a 12 MP JPEG',
  against: 'the largest alone',
  goal: { be: 'at most', ratio: 1.45 },
  measure: async (workbench) => {
    const { bytes } = await workbench.photo('12 MP JPEG');
    const [four, largest] = [[160, 320, 640, 1280], [1280]].map((sides) =>
      variantsSchema.parse(sides.map((side) => ({ name: `w${side}`, width: side, height: side }))),
    );
    if (four === undefined || largest === undefined) throw new Error('There are no variants.');
    const pairs = await pairsOf(
      workbench,
      { full: 40, warmUp: 3 },
      () => cpuOf(() => renderImage(bytes, four, limits)),
      () => cpuOf(() => renderImage(bytes, largest, limits)),
    );
    return measuredOf('ms of CPU', pairs);
  },
};

export const coreRows: readonly Row[] = [core, ...coreOfOtherPhotos, decoder, fourVariants];
