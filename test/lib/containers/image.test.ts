import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { appWith, inContainers } from '../stacks.ts';

const assetsSchema = z.object({
  dockerImages: z.record(
    z.string(),
    z.object({ source: z.object({ directory: z.string(), platform: z.string() }) }),
  ),
});

/** The build context of the image that a synthesis writes, without Docker. */
const synthesizedImage = () => {
  const { app, outdir } = appWith(inContainers);
  app.synth();
  const { dockerImages } = assetsSchema.parse(
    JSON.parse(readFileSync(join(outdir, 'ThumbnailGenerator.assets.json'), 'utf8')),
  );
  const [image, ...others] = Object.entries(dockerImages).map(([hash, { source }]) => ({ hash, ...source }));
  expect(others).toEqual([]);
  if (image === undefined) throw new Error('There is no image');
  return { ...image, directory: join(outdir, image.directory) };
};

test('one image for arm64 contains the code that runs, and nothing that tests, a synthesis or npm start write', () => {
  const { platform, directory } = synthesizedImage();
  expect(platform).toBe('linux/arm64');
  expect(readdirSync(directory).sort()).toEqual([
    '.dockerignore',
    'Dockerfile',
    'containers',
    'lambdas',
    'package-lock.json',
    'package.json',
  ]);
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  expect(files).toEqual(expect.arrayContaining(['containers/ingest.ts', 'containers/resize.ts']));
});

test('another synthesis keeps the hash of the image, and so the running tasks', () => {
  expect(synthesizedImage().hash).toBe(synthesizedImage().hash);
});
