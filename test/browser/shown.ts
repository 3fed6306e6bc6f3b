import type { Page } from 'playwright-core';
import * as z from 'zod';
import type { Pixels } from '../pictures/compare.ts';

/*
 * Runs in the page. A picture that cannot be decoded causes an error, or stays empty. An animation is drawn
 * as its first frame.
 */
const draw = `async (base64) => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes]));
  try {
    const image = new Image();
    const loaded = new Promise((resolve) => {
      image.onload = () => resolve(true);
      image.onerror = () => resolve(false);
    });
    image.src = url;
    if (!(await loaded) || image.naturalWidth === 0) return null;
    const { naturalWidth: width, naturalHeight: height } = image;
    const context = Object.assign(document.createElement('canvas'), { width, height })
      .getContext('2d', { colorSpace: 'srgb', willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, width, height, { colorSpace: 'srgb' });
    let text = '';
    for (let at = 0; at < data.length; at += 30000) {
      text += String.fromCharCode(...data.subarray(at, at + 30000));
    }
    return { width, height, data: btoa(text) };
  } finally {
    URL.revokeObjectURL(url);
  }
}`;

const drawnSchema = z
  .object({
    width: z.int(),
    height: z.int(),
    data: z.base64().transform((text) => Buffer.from(text, 'base64')),
  })
  .nullable();

/** The pixels that Chromium shows of a file, or undefined if it shows the file as a broken image. */
export const shownIn = async (page: Page, bytes: Buffer): Promise<Pixels | undefined> => {
  const drawn = await page.evaluate(`(${draw})(${JSON.stringify(bytes.toString('base64'))})`);
  return drawnSchema.parse(drawn) ?? undefined;
};
