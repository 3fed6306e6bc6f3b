import { webpParts } from '../../trials/hostile/formats/webp.ts';
import { profiles } from '../icc-profile.ts';
import { exifBlock } from '../jpeg-segments.ts';
import { greyPicture, height, picture, transparentPicture, width } from '../picture.ts';
import { cutRows, damagedRows, differingRows, type Row, rowsOf } from '../row.ts';
import { animationChunk, canvasChunk, frameChunk, imageChunks, webpOf } from '../webp-chunks.ts';

const lossy = (): Promise<Buffer> => picture().webp({ quality: 90, effort: 2 }).toBuffer();
const lossless = (): Promise<Buffer> => picture().webp({ lossless: true, effort: 1 }).toBuffer();
const lossyAlpha = (): Promise<Buffer> => transparentPicture().webp({ quality: 90, effort: 2 }).toBuffer();
const losslessAlpha = (): Promise<Buffer> =>
  transparentPicture().webp({ lossless: true, effort: 1 }).toBuffer();
const negative = (): Promise<Buffer> => picture().negate().webp({ lossless: true }).toBuffer();
const corner = (): Promise<Buffer> =>
  picture().extract({ left: 40, top: 30, width: 60, height: 50 }).webp({ lossless: true }).toBuffer();

const withProfile = async (image: Buffer, profile: Buffer, has: readonly ('icc' | 'alpha')[] = ['icc']) =>
  webpOf(canvasChunk({ has }), { type: 'ICCP', content: profile }, ...imageChunks(image));

const whole = async () => frameChunk({ image: await lossless(), width, height });

export const webpRows: readonly Row[] = [
  ...rowsOf('WebP', {
    lossy,
    'lossy, quality 20': () => picture().webp({ quality: 20 }).toBuffer(),
    'lossy, sharp chroma': () => picture().webp({ smartSubsample: true }).toBuffer(),
    lossless,
    'near lossless': () => picture().webp({ nearLossless: true, quality: 40 }).toBuffer(),
    'lossy with alpha': lossyAlpha,
    'lossy with coarse alpha': () => transparentPicture().webp({ alphaQuality: 20 }).toBuffer(),
    'lossless with alpha': losslessAlpha,
    grey: () => greyPicture().webp().toBuffer(),
    'alpha that the header denies': async () =>
      webpOf(canvasChunk({ has: [] }), ...imageChunks(await lossyAlpha())),
    'alpha that the header claims': async () =>
      webpOf(canvasChunk({ has: ['alpha'] }), ...imageChunks(await lossy())),
  }),
  ...rowsOf('WebP metadata', {
    'P3, lossy': async () => withProfile(await lossy(), profiles.p3),
    'Adobe RGB, lossless': async () => withProfile(await lossless(), profiles.adobe),
    'P3 with alpha': async () => withProfile(await losslessAlpha(), profiles.p3, ['icc', 'alpha']),
    'a grey profile': async () => withProfile(await lossless(), profiles.grey18),
    'a profile of rubbish': async () => withProfile(await lossless(), Buffer.alloc(200, 0x55)),
    'a profile that the header denies': async () =>
      webpOf(
        canvasChunk({ has: [] }),
        { type: 'ICCP', content: profiles.adobe },
        ...imageChunks(await lossless()),
      ),
    'unknown chunks': async () =>
      webpOf(
        canvasChunk({ has: [] }),
        { type: 'junk', content: Buffer.alloc(31, 7) },
        ...imageChunks(await lossless()),
        { type: 'more', content: Buffer.alloc(3) },
      ),
  }),
  ...differingRows(
    'WebP orientation',
    'Chromium ignores it',
    Object.fromEntries(
      [3, 6, 7].map((orientation) => [
        `EXIF ${orientation}`,
        async () =>
          webpOf(canvasChunk({ has: ['exif'] }), ...imageChunks(await lossless()), {
            type: 'EXIF',
            content: exifBlock(orientation),
          }),
      ]),
    ),
  ),
  ...rowsOf('WebP animation', {
    'first frame of two': async () =>
      webpOf(
        canvasChunk({ has: ['animation'] }),
        animationChunk(),
        await whole(),
        frameChunk({ image: await negative(), width, height }),
      ),
    'first frame smaller than the canvas': async () =>
      webpOf(
        canvasChunk({ has: ['animation', 'alpha'] }),
        animationChunk(),
        frameChunk({ image: await corner(), width: 60, height: 50, x: 40, y: 30 }),
        await whole(),
      ),
    'first frame smaller, background colour': async () =>
      webpOf(
        canvasChunk({ has: ['animation'] }),
        animationChunk([200, 30, 30, 255]),
        frameChunk({ image: await corner(), width: 60, height: 50, x: 40, y: 30 }),
        await whole(),
      ),
    'first frame with alpha': async () =>
      webpOf(
        canvasChunk({ has: ['animation', 'alpha'] }),
        animationChunk([200, 30, 30, 255]),
        frameChunk({ image: await losslessAlpha(), width, height, dispose: 1 }),
      ),
    'with a profile': async () =>
      webpOf(
        canvasChunk({ has: ['animation', 'icc'] }),
        { type: 'ICCP', content: profiles.adobe },
        animationChunk(),
        await whole(),
      ),
    'second frame of rubbish': async () =>
      webpOf(canvasChunk({ has: ['animation'] }), animationChunk(), await whole(), {
        type: 'ANMF',
        content: Buffer.alloc(80, 0x33),
      }),
    'as sharp writes it': async () =>
      webpOf(canvasChunk({ has: ['animation'] }), animationChunk(), await whole(), await whole()),
  }),
  ...damagedRows('WebP damaged', {
    'a length of the file that is too small': async () => {
      const bytes = Buffer.from(await lossless());
      bytes.writeUInt32LE(bytes.length - 60, 4);
      return bytes;
    },
    'a length of the file that is too large': async () => {
      const bytes = Buffer.from(await lossless());
      bytes.writeUInt32LE(bytes.length + 600, 4);
      return bytes;
    },
    'rubbish after the end': async () => Buffer.concat([await lossy(), Buffer.alloc(100, 9)]),
    'a canvas of another size': async () =>
      webpOf(canvasChunk({ has: [], width: 200, height: 150 }), ...imageChunks(await lossless())),
    'no canvas before alpha': async () => webpOf(...imageChunks(await lossyAlpha())),
    'a changed byte, lossy': async () => {
      const bytes = Buffer.from(await lossy());
      bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 0x55;
      return bytes;
    },
    'a changed byte, lossless': async () => {
      const bytes = Buffer.from(await lossless());
      bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 0x55;
      return bytes;
    },
    'only a header': async () => webpOf(...webpParts.split(await lossy()).slice(0, 0)),
  }),
  ...cutRows('WebP lossy, cut', lossy),
  ...cutRows('WebP lossless, cut', lossless, [20, 40, 60, 80, 95]),
  ...cutRows('WebP with alpha, cut', lossyAlpha, [30, 60, 90]),
  ...cutRows(
    'WebP animation, cut',
    async () =>
      webpOf(
        canvasChunk({ has: ['animation'] }),
        animationChunk(),
        await whole(),
        frameChunk({ image: await negative(), width, height }),
      ),
    [25, 75],
  ),
];
