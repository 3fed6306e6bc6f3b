import sharp from 'sharp';
import { profiles } from '../icc-profile.ts';
import {
  type AvifFile,
  asLimitedRange,
  av1ImageOf,
  avif,
  avifSequence,
  cleanAperture,
  mirror,
  nclx,
  profileBox,
  rotation,
} from '../iso-boxes.ts';
import { exifBlock } from '../jpeg-segments.ts';
import { greyPicture, height, patchSide, picture, pixels, rgbAt, width } from '../picture.ts';
import { cutRows, differingRows, type Row, rowsOf } from '../row.ts';

const options = { quality: 85, effort: 0, chromaSubsampling: '4:4:4' } as const;
const encoded = (): Promise<Buffer> => picture().avif(options).toBuffer();
const deep = (bitdepth: 10 | 12): Promise<Buffer> =>
  picture()
    .toColourspace('rgb16')
    .avif({ ...options, bitdepth })
    .toBuffer();
/** Levels that are the same whether they are from 0 to 255, or from 16 to 235 as Chromium takes them for. */
const alphaAt = (x: number): number => [255, 128, 128, 0][Math.floor(x / patchSide)] ?? 0;
const transparentPicture = () =>
  sharp(
    pixels((x, y) => [...rgbAt(x, y), alphaAt(x)]),
    { raw: { width, height, channels: 4 } },
  );
const image = async () => av1ImageOf(await encoded());
/** Duller: at the border of sRGB, a level by which Chromium rounds 10 bits would become nine levels. */
const deepImage = async () =>
  av1ImageOf(
    await picture()
      .modulate({ saturation: 0.5 })
      .toColourspace('rgb16')
      .avif({ ...options, bitdepth: 10 })
      .toBuffer(),
  );
const limitedImage = async () => asLimitedRange(await image());
const negativeImage = async () => av1ImageOf(await picture().negate().avif(options).toBuffer());
const alphaPlane = () =>
  sharp(
    pixels((x) => [alphaAt(x)]),
    { raw: { width, height, channels: 1 } },
  ).toColourspace('b-w');
const alphaImage = async () => av1ImageOf(await alphaPlane().avif(options).toBuffer());

/** A file with these boxes about its image. */
const withBoxes = async (...properties: readonly Buffer[]): Promise<Buffer> =>
  avif({ image: await image(), properties });
const withDeepBoxes = async (...properties: readonly Buffer[]): Promise<Buffer> =>
  avif({ image: await deepImage(), properties });
const withBrands = async (brands: AvifFile['brands']): Promise<Buffer> =>
  avif({ image: await image(), properties: [nclx(1, 13, 6)], brands });

export const avifRows: readonly Row[] = [
  ...rowsOf('AVIF', {
    '8 bits, 4:4:4': encoded,
    '8 bits, 4:2:0': () =>
      picture()
        .avif({ ...options, chromaSubsampling: '4:2:0' })
        .toBuffer(),
    lossless: () =>
      picture()
        .avif({ ...options, lossless: true })
        .toBuffer(),
    grey: () => greyPicture().avif(options).toBuffer(),
    '10 bits': () => deep(10),
    '12 bits': () => deep(12),
    '10 bits, 4:2:0': () =>
      picture()
        .toColourspace('rgb16')
        .avif({ ...options, bitdepth: 10, chromaSubsampling: '4:2:0' })
        .toBuffer(),
    'as written by hand': () => withBoxes(nclx(1, 13, 6)),
    'without a word about colours': () => withBoxes(),
  }),
  ...rowsOf('AVIF alpha', {
    'as sharp writes it': () => transparentPicture().avif(options).toBuffer(),
    '10 bits': () =>
      transparentPicture()
        .toColourspace('rgb16')
        .avif({ ...options, bitdepth: 10 })
        .toBuffer(),
    'as written by hand': async () =>
      avif({ image: await image(), alpha: await alphaImage(), properties: [nclx(1, 13, 6)] }),
    premultiplied: async () =>
      avif({
        image: av1ImageOf(
          await transparentPicture().flatten({ background: '#000000' }).avif(options).toBuffer(),
        ),
        alpha: await alphaImage(),
        properties: [nclx(1, 13, 6)],
        isPremultiplied: true,
      }),
    'premultiplied, with a profile': async () =>
      avif({
        image: av1ImageOf(
          await transparentPicture()
            .modulate({ saturation: 0.5 })
            .flatten({ background: '#000000' })
            .avif(options)
            .toBuffer(),
        ),
        alpha: await alphaImage(),
        properties: [profileBox(profiles.p3), nclx(2, 2, 6)],
        isPremultiplied: true,
      }),
    'premultiplied by name, without alpha': async () =>
      avif({ image: await image(), properties: [nclx(1, 13, 6)], isPremultiplied: true }),
  }),
  ...differingRows('AVIF alpha', 'Chromium takes levels from 0 to 255 for levels from 16 to 235', {
    'nearly transparent': async () =>
      avif({
        image: await image(),
        alpha: av1ImageOf(
          await sharp(
            pixels(() => [40]),
            { raw: { width, height, channels: 1 } },
          )
            .toColourspace('b-w')
            .avif(options)
            .toBuffer(),
        ),
        properties: [nclx(1, 13, 6)],
      }),
  }),
  ...rowsOf('AVIF profile', {
    'P3, 8 bits': () => withBoxes(profileBox(profiles.p3), nclx(2, 2, 6)),
    'P3, 10 bits': () => withDeepBoxes(profileBox(profiles.p3), nclx(2, 2, 6)),
    'Adobe RGB, 10 bits': () => withDeepBoxes(profileBox(profiles.adobe), nclx(2, 2, 6)),
    'P3, as sharp writes it': () => picture().withIccProfile('p3').avif(options).toBuffer(),
    'P3, and code points that say something else': () => withBoxes(profileBox(profiles.p3), nclx(1, 13, 6)),
  }),
  ...differingRows('AVIF profile', 'Chromium refuses the file, whose picture is whole', {
    'grey with gamma 1.8': async () =>
      avif({
        image: av1ImageOf(await greyPicture().avif(options).toBuffer()),
        properties: [profileBox(profiles.grey18), nclx(2, 2, 6)],
      }),
    'of rubbish': () => withBoxes(profileBox(Buffer.alloc(200, 0x44)), nclx(1, 13, 6)),
  }),
  ...rowsOf('AVIF code points', {
    'P3 and sRGB': () => withBoxes(nclx(12, 13, 6)),
    'P3 and sRGB, 10 bits': () => withDeepBoxes(nclx(12, 13, 6)),
    'BT.2020 and BT.709': () => withBoxes(nclx(9, 1, 6)),
    'BT.709 and linear': () => withBoxes(nclx(1, 8, 6)),
    'BT.709 and gamma 2.2': () => withBoxes(nclx(1, 4, 6)),
    'BT.709 and gamma 2.8': () => withBoxes(nclx(1, 5, 6)),
    'BT.709 and BT.709': () => withBoxes(nclx(1, 1, 6)),
    unspecified: () => withBoxes(nclx(2, 2, 2)),
    'unspecified with matrix 6': () => withBoxes(nclx(2, 2, 6)),
    'matrix of BT.709': () => withBoxes(nclx(1, 13, 1)),
    'matrix of BT.2020': () => withBoxes(nclx(9, 14, 9)),
    'matrix 0: RGB': () => withBoxes(nclx(1, 13, 0)),
    'limited range, as the coding says': async () => avif({ image: await limitedImage() }),
    'limited range': () => withBoxes(nclx(1, 13, 6, false)),
    'limited range, 10 bits': () => withDeepBoxes(nclx(1, 13, 6, false)),
  }),
  ...rowsOf('AVIF HDR', {
    'BT.2020 and PQ, 8 bits': () => withBoxes(nclx(9, 16, 9)),
    'BT.2020 and PQ, 10 bits': () => withDeepBoxes(nclx(9, 16, 9)),
    'BT.2020 and HLG, 10 bits': () => withDeepBoxes(nclx(9, 18, 9)),
    'BT.709 and PQ': () => withDeepBoxes(nclx(1, 16, 6)),
    'P3 and HLG': () => withDeepBoxes(nclx(12, 18, 6)),
  }),
  ...differingRows('AVIF HDR', 'Chromium refuses the file, whose picture is whole', {
    'PQ with alpha': async () =>
      avif({ image: await deepImage(), alpha: await alphaImage(), properties: [nclx(9, 16, 9)] }),
  }),
  ...rowsOf('AVIF brands', {
    'mif1, avif': () => withBrands(['mif1', 'mif1', 'avif', 'miaf']),
    'miaf, avif': () => withBrands(['miaf', 'avif', 'mif1', 'miaf']),
    'avif alone': () => withBrands(['avif']),
    'avif twice': () => withBrands(['avif', 'avif', 'avif']),
    'heic, avif': () => withBrands(['heic', 'avif', 'mif1']),
    'isom, avif': () => withBrands(['isom', 'avif', 'mif1']),
  }),
  ...differingRows('AVIF brands', 'Chromium refuses the file, whose picture is whole', {
    'mif1 alone': () => withBrands(['mif1', 'mif1']),
    'avis for a still': () => withBrands(['avis', 'avif', 'mif1']),
    'mif1, heic': () => withBrands(['mif1', 'mif1', 'heic']),
  }),
  ...rowsOf('AVIF sequence', {
    'one frame': async () => avifSequence([await limitedImage()]),
    'two frames': async () => avifSequence([await limitedImage(), await negativeImage()]),
    'two frames, msf1': async () =>
      avifSequence([await limitedImage(), await negativeImage()], ['msf1', 'avis', 'msf1', 'miaf']),
    '10 bits': async () => avifSequence([asLimitedRange(await deepImage())]),
    P3: async () => avifSequence([asLimitedRange(await deepImage())], undefined, nclx(12, 13, 6, false)),
  }),
  ...differingRows('AVIF sequence', 'Chromium takes levels from 0 to 255 for levels from 16 to 235', {
    'full range': async () => avifSequence([await image()]),
    'full range, as its colours say': async () => avifSequence([await image()], undefined, nclx(1, 13, 6)),
  }),
  ...differingRows('AVIF sequence', 'Chromium refuses the file, whose picture is whole', {
    'two frames, avif first': async () =>
      avifSequence([await image(), await negativeImage()], ['avif', 'avis', 'msf1', 'miaf']),
  }),
  ...rowsOf('AVIF orientation', {
    'a quarter turn': () => withBoxes(nclx(1, 13, 6), rotation(1)),
    'two quarter turns': () => withBoxes(nclx(1, 13, 6), rotation(2)),
    'three quarter turns': () => withBoxes(nclx(1, 13, 6), rotation(3)),
    'top and bottom swapped': () => withBoxes(nclx(1, 13, 6), mirror(0)),
    'left and right swapped': () => withBoxes(nclx(1, 13, 6), mirror(1)),
    'turned, then swapped': () => withBoxes(nclx(1, 13, 6), rotation(1), mirror(0)),
    'turned, 10 bits with a profile': () =>
      withDeepBoxes(profileBox(profiles.p3), nclx(2, 2, 6), rotation(1)),
    'EXIF 6, which does not count': async () =>
      avif({ image: await image(), properties: [nclx(1, 13, 6)], exif: exifBlock(6) }),
    'EXIF 6, as sharp writes it': () => picture().withMetadata({ orientation: 6 }).avif(options).toBuffer(),
    'a part of the picture': () =>
      withBoxes(nclx(1, 13, 6), cleanAperture({ width: 100, height: 80, x: 10, y: -10 })),
    'a part beyond the picture': () =>
      withBoxes(nclx(1, 13, 6), cleanAperture({ width: 300, height: 80, x: 0, y: 0 })),
  }),
  ...rowsOf('AVIF damaged', {
    'rubbish after the end': async () => Buffer.concat([await withBoxes(), Buffer.alloc(80, 3)]),
  }),
  ...differingRows('AVIF damaged', 'libaom refuses damage that dav1d in Chromium does not see', {
    'a changed byte': async () => {
      const bytes = await withBoxes(nclx(1, 13, 6));
      bytes[bytes.length - 200] = (bytes[bytes.length - 200] ?? 0) ^ 0x20;
      return bytes;
    },
    'another size': async () => avif({ image: { ...(await image()), width: 100 } }),
  }),
  ...cutRows('AVIF, cut', encoded, [10, 30, 50, 70, 90, 99]),
];
