import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { acceptedTypes } from '../../../lambdas/image/original-type.ts';
import { heicFile } from '../../heic-files.ts';
import { corruptJpeg, quarteredPicture } from '../../images.ts';
import { post } from '../../local/uploads.ts';
import { beginDeletion, deletionProblems } from '../faults/deletion.ts';
import type { Stack } from '../stack.ts';

/** Of each type. An image is new when it is sent for the first time, and known from then on. */
const imagesOfEachType = 20;

const formatSchema = z.enum(['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff', 'heic']);

/** Writes images of every accepted type, all different: `<folder>/png/0`. */
export const writeImages = async (folder: string): Promise<void> => {
  for (const [number, type] of Object.keys(acceptedTypes).entries()) {
    const format = formatSchema.parse(type.split('/')[1]);
    await mkdir(join(folder, format), { recursive: true });
    for (let index = 0; index < imagesOfEachType; index += 1) {
      const picture = quarteredPicture(20 + index, 20 + number);
      const image = format === 'heic' ? heicNumber(index) : await picture.toFormat(format).toBuffer();
      await writeFile(join(folder, format, String(index)), image);
    }
  }
};

/** No npm package encodes HEVC: the same picture, followed by a box that readers skip. */
const heicNumber = (index: number): Buffer =>
  Buffer.concat([heicFile('tiles'), Buffer.from([0, 0, 0, 9, ...Buffer.from('free'), index])]);

/**
 * Prepares an image in each state.
 *
 * @returns the ids of a ready, a failed, an announced and an unknown image, and that of a deleted one, which
 *   must not be announced: it would be there again
 */
export const imagesInEveryState = async (stack: Stack) => {
  const { apiUrl, aws } = stack;
  const ready = Buffer.from(await quarteredPicture(48, 32).png().toBuffer());
  const failed = Buffer.from(corruptJpeg());
  const deleted = Buffer.from(await quarteredPicture(32, 48).png().toBuffer());
  const announced = Buffer.from('announced');
  const statuses = [];
  for (const image of [ready, failed, deleted]) {
    statuses.push((await post(`${apiUrl}/upload_image`, image, { Prefer: 'wait=20' })).status);
  }
  const announcement = { sha256: imageIdOf(announced), bytes: announced.byteLength };
  statuses.push((await post(`${apiUrl}/uploads`, JSON.stringify(announcement))).status);
  if (String(statuses) !== '200,422,200,201') throw new Error(`The statuses of the replies are ${statuses}.`);
  const deletedId = imageIdOf(deleted);
  await beginDeletion(stack, deletedId);
  const problems = await deletionProblems(aws, deletedId, 60_000);
  if (problems.length > 0) throw new Error(problems.join());
  const ids = [ready, failed, announced, Buffer.from('unknown')].map(imageIdOf);
  return { ids, deletedId };
};
