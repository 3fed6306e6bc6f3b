import type { Check } from '../check.ts';
import { held } from '../outcome.ts';
import { postAndFail, postAndWait } from '../replies.ts';
import { newBomb, newCorruptImage, newPhoto } from '../test-images.ts';

/** Images that cannot have thumbnails, and whether they harm others. */
export const brokenImageChecks: readonly Check[] = [
  {
    name: 'corrupt-image',
    group: 'broken-image',
    quick: true,
    needsCaller: true,
    description: 'A file that only begins like a JPEG is refused as `image-corrupt`.',
    async run(context) {
      return held(`${await postAndFail(context, 'A corrupt image', newCorruptImage(), 'image-corrupt')}.`);
    },
  },
  {
    name: 'bomb',
    group: 'broken-image',
    quick: true,
    needsCaller: true,
    description: 'A small PNG of 2,000,000,000 pixels is refused as `image-too-large`.',
    async run(context) {
      return held(`${await postAndFail(context, 'A bomb', newBomb(), 'image-too-large')}.`);
    },
  },
  {
    name: 'next-image',
    group: 'broken-image',
    quick: true,
    needsCaller: true,
    description: 'The image after them is ready as usual.',
    async run(context) {
      const { status } = await postAndWait(context, await newPhoto());
      return held(`${status}.`);
    },
  },
];
