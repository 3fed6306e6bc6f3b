import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import * as z from 'zod';
import { variantsSchema } from '../../lambdas/image/variant.ts';
import { renderImage } from '../../lambdas/resize/decoder/render.ts';
import { readSettings } from '../../lib/settings.ts';
import { runCommand } from '../e2e/command.ts';
import { pythonEnvironment } from '../e2e/python-environment.ts';
import { createRunFolder } from '../e2e/run-folder.ts';

/** Levels by which the thumbnail may differ from what the native decoder shows, on average. */
const maxMeanDifference = 3;

const limits = readSettings({});
const variants = variantsSchema.parse([{ name: 'thumbnail', format: 'png' }]);

const casesSchema = z.array(
  z.object({ file: z.string(), shown: z.string(), width: z.int(), height: z.int() }),
);

/** 8 orientations x 4 numbers of tiles x 2 depths x 3 profiles, each with 4 embedded thumbnails. */
const pictures = 8 * 4 * 2 * 3;
const thumbnails = 4;

/** A shorter run makes only each nth picture. 7 shares no factor with the numbers above. @default 1 */
const every = z.coerce
  .number()
  .int()
  .positive()
  .parse(process.env['HEIC_EVERY'] ?? '1');

const folder = createRunFolder('heic');
let cases: z.output<typeof casesSchema>;

beforeAll(async () => {
  const logFile = join(folder, 'python.log');
  const programs = await pythonEnvironment({
    folder: join('.tmp', 'heic-python'),
    requirementsFile: join(import.meta.dirname, 'requirements.txt'),
    module: 'pillow_heif',
    logFile,
  });
  const generator = join(import.meta.dirname, 'generate.py');
  await runCommand(join(programs, 'python'), [generator, 'matrix', folder, String(every)], {
    environment: process.env,
    logFile,
    timeoutSeconds: 3600,
  });
  cases = casesSchema.parse(JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')));
}, 3_700_000);

test('the combinations were made', () => {
  expect(cases).toHaveLength(Math.ceil(pictures / every) * thumbnails);
  expect(cases.every(({ file }) => existsSync(join(folder, file)))).toBe(true);
});

test('each combination has its exact size, and looks as the native decoder shows it', async () => {
  const wrong: unknown[] = [];
  for (const { file, shown, width, height } of cases) {
    const { original, thumbnails } = await renderImage(readFileSync(join(folder, file)), variants, limits);
    const ours = await pixelsOf(thumbnails[0]?.bytes ?? new Uint8Array());
    const theirs = await pixelsOf(readFileSync(join(folder, shown)));
    const difference = meanDifference(ours.data, theirs.data);
    const isRight =
      original.width === width &&
      original.height === height &&
      ours.width === theirs.width &&
      ours.height === theirs.height &&
      difference <= maxMeanDifference;
    if (!isRight) wrong.push({ file, original, width, height, difference });
  }
  expect(wrong).toEqual([]);
}, 3_700_000);

const pixelsOf = async (image: Uint8Array) => {
  const { data, info } = await sharp(image).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
};

const meanDifference = (one: Buffer, other: Buffer): number => {
  let sum = 0;
  for (const [at, level] of one.entries()) sum += Math.abs(level - (other[at] ?? 0));
  return sum / one.byteLength;
};
