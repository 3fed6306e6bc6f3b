import { jpegParts } from '../../trials/hostile/formats/jpeg.ts';
import { latin1 } from '../../trials/hostile/numbers.ts';
import { profiles } from '../icc-profile.ts';
import { encodeJpeg } from '../jpeg-encoder.ts';
import {
  adobe,
  app,
  blueDifference,
  changeSegments,
  chroma,
  cmykComponents,
  exif,
  grey,
  iccSegments,
  jfif,
  luma,
  redDifference,
  rgbComponents,
  scanStart,
  withSegments,
  ycckComponents,
} from '../jpeg-segments.ts';
import { greyPicture, picture } from '../picture.ts';
import { cutRows, damagedRows, differingRows, type Row, rowsOf } from '../row.ts';

const baseline = (): Promise<Buffer> => picture().jpeg({ quality: 90 }).toBuffer();
const fullChroma = (): Promise<Buffer> =>
  picture().jpeg({ quality: 92, chromaSubsampling: '4:4:4' }).toBuffer();
const progressive = (): Promise<Buffer> => picture().jpeg({ quality: 90, progressive: true }).toBuffer();
const colours = [luma(), ...chroma()];
const ownEncoder = (): Buffer => encodeJpeg({ components: colours, segments: [jfif] });
const withRestarts = (): Buffer => encodeJpeg({ components: colours, segments: [jfif], restartInterval: 20 });

/** Extended sequential coding allows all that baseline does (ITU-T T.81, table B.1). */
const asExtended = (bytes: Buffer): Buffer =>
  jpegParts.join(jpegParts.split(bytes).map((part) => (part.type === 'c0' ? { ...part, type: 'c1' } : part)));

/** Patches of 32 x 24 pixels, which libjpeg-turbo's jpegtran wrote: no encoder of sharp uses these codes. */
const arithmetic =
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO' +
  'UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P' +
  'T09PT09PT0//yQARCAAYACADASIAAhEBAxEB/8wACgAQEAUBEBEF/9oADAMBAAIRAxEAPwD/AGFKi2/0elvv3+4de5W0oX4H9O2W' +
  '9Pg9TzKMqU5zKgBD5uif3ZMWExqrjTXBdlewTFpTulkMMTLwsWRfV/ygjLaN95qpQaAS7J8zJUwJcZKHMo+GUaKY/9k=';

/** The file with a change to its bytes from the start of the coded data. */
const changed = (bytes: Buffer, change: (data: Buffer, start: number) => void): Buffer => {
  const copy = Buffer.from(bytes);
  change(copy, scanStart(copy));
  return copy;
};

/** The file with bytes put in after its first segment. */
const withJunk = (bytes: Buffer, junk: Buffer, after = 1): Buffer => {
  const parts = jpegParts.split(bytes);
  const at = jpegParts.join(parts.slice(0, after + 1)).length;
  return Buffer.concat([bytes.subarray(0, at), junk, bytes.subarray(at)]);
};

const withoutEnd = (bytes: Buffer, missing = 2): Buffer => bytes.subarray(0, bytes.length - missing);

/** The position of a restart marker in the coded data. */
const restartAt = (bytes: Buffer, number: number): number =>
  bytes.indexOf(Buffer.from([0xff, 0xd0 + number]));

export const jpegRows: readonly Row[] = [
  ...rowsOf('JPEG coding', {
    baseline,
    progressive,
    'mozjpeg, scans by its own choice': () => picture().jpeg({ mozjpeg: true }).toBuffer(),
    'quality 100': () => picture().jpeg({ quality: 100 }).toBuffer(),
    'quality 30': () => picture().jpeg({ quality: 30 }).toBuffer(),
    'one scan for each component': () =>
      encodeJpeg({ components: colours, segments: [jfif], isSeparate: true }),
    'Huffman codes of one length': ownEncoder,
    'extended sequential': () => asExtended(ownEncoder()),
    'arithmetic codes': () => Buffer.from(arithmetic, 'base64'),
  }),
  ...rowsOf('JPEG sampling', {
    '4:4:4': fullChroma,
    '4:2:0': baseline,
    '4:2:2': () => encodeJpeg({ components: [luma(2, 1), ...chroma()], segments: [jfif] }),
    '4:4:0': () => encodeJpeg({ components: [luma(1, 2), ...chroma()], segments: [jfif] }),
    '4:1:1': () => encodeJpeg({ components: [luma(4, 1), ...chroma()], segments: [jfif] }),
    '4:1:0': () => encodeJpeg({ components: [luma(4, 2), ...chroma()], segments: [jfif] }),
    'different factors for Cb and Cr': () =>
      encodeJpeg({
        components: [luma(2, 2), blueDifference(1, 2), redDifference(2, 1)],
        segments: [jfif],
      }),
    'the same factors above 1': () =>
      encodeJpeg({ components: [luma(2, 2), blueDifference(2, 2), redDifference(2, 2)], segments: [jfif] }),
  }),
  ...rowsOf('JPEG grey', {
    baseline: () => greyPicture().jpeg().toBuffer(),
    progressive: () => greyPicture().jpeg({ progressive: true }).toBuffer(),
    'factors of 2': () =>
      encodeJpeg({ components: [{ ...grey, horizontal: 2, vertical: 2 }], segments: [jfif] }),
    'with a profile of gamma 1.8': () =>
      encodeJpeg({ components: [grey], segments: [jfif, ...iccSegments(profiles.grey18)] }),
  }),
  ...rowsOf('JPEG RGB and CMYK', {
    'RGB by Adobe': () => encodeJpeg({ components: rgbComponents([1, 2, 3]), segments: [adobe(0)] }),
    'RGB by the letters R, G, B': () => encodeJpeg({ components: rgbComponents([82, 71, 66]) }),
    'YCbCr by Adobe': () => encodeJpeg({ components: colours, segments: [adobe(1)] }),
    'YCbCr without a word about it': () => encodeJpeg({ components: colours }),
    'CMYK by Adobe': () => encodeJpeg({ components: cmykComponents(true), segments: [adobe(0)] }),
    'CMYK without a word about it': () => encodeJpeg({ components: cmykComponents(false) }),
    'YCCK by Adobe': () => encodeJpeg({ components: ycckComponents(), segments: [adobe(2)] }),
  }),
  ...differingRows('JPEG RGB and CMYK', 'Little CMS applies the profile, and Skia does not agree with it', {
    'CMYK with a profile': () => picture().withIccProfile('cmyk').jpeg({ quality: 95 }).toBuffer(),
  }),
  ...rowsOf('JPEG restart markers', {
    'each row': withRestarts,
    'each block': () => encodeJpeg({ components: colours, segments: [jfif], restartInterval: 1 }),
    'one is lost': () => {
      const bytes = withRestarts();
      const at = restartAt(bytes, 3);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 2)]);
    },
    'one is twice in the file': () => {
      const bytes = withRestarts();
      const at = restartAt(bytes, 3);
      return Buffer.concat([bytes.subarray(0, at + 2), bytes.subarray(at)]);
    },
    'one has the wrong number': () => {
      const bytes = withRestarts();
      bytes[restartAt(bytes, 3) + 1] = 0xd6;
      return bytes;
    },
    'a whole interval is lost': () => {
      const bytes = withRestarts();
      return Buffer.concat([bytes.subarray(0, restartAt(bytes, 3)), bytes.subarray(restartAt(bytes, 4))]);
    },
  }),
  ...rowsOf('JPEG profile', {
    'Display P3': () => picture().withIccProfile('p3').jpeg({ quality: 95 }).toBuffer(),
    'P3, version 4': async () => withSegments(await fullChroma(), ...iccSegments(profiles.p3)),
    'Adobe RGB': async () => withSegments(await fullChroma(), ...iccSegments(profiles.adobe)),
    linear: async () => withSegments(await fullChroma(), ...iccSegments(profiles.linear)),
    'in many segments': async () => withSegments(await fullChroma(), ...iccSegments(profiles.adobe, 100)),
    'in segments out of order': async () =>
      withSegments(await fullChroma(), ...iccSegments(profiles.adobe, 100).toReversed()),
    'with a segment lost': async () =>
      withSegments(await fullChroma(), ...iccSegments(profiles.adobe, 100).slice(1)),
    'cut short': async () =>
      withSegments(await fullChroma(), ...iccSegments(profiles.adobe.subarray(0, 200))),
    'grey, in a file with colours': async () =>
      withSegments(await fullChroma(), ...iccSegments(profiles.grey18)),
    'with colours, in a grey file': async () =>
      withSegments(await greyPicture().jpeg().toBuffer(), ...iccSegments(profiles.adobe)),
  }),
  ...rowsOf(
    'JPEG orientation',
    Object.fromEntries(
      [1, 2, 3, 4, 5, 6, 7, 8, 0, 9].map((orientation) => [
        `EXIF ${orientation}`,
        async () => withSegments(await fullChroma(), exif(orientation)),
      ]),
    ),
  ),
  ...rowsOf('JPEG segments', {
    'JFIF version 2': () =>
      changeSegments(ownEncoder(), 'e0', (part) => {
        const content = Buffer.from(part.content);
        content[5] = 2;
        return [{ ...part, content }];
      }),
    'JFIF twice': () => withSegments(ownEncoder(), jfif),
    'no JFIF': () => changeSegments(ownEncoder(), 'e0', () => []),
    'JFIF with a wrong length of its preview': () =>
      changeSegments(ownEncoder(), 'e0', (part) => {
        const content = Buffer.from(part.content);
        content.set([9, 9], 12);
        return [{ ...part, content }];
      }),
    'Adobe, cut short': async () => withSegments(await baseline(), app(14, latin1('Adobe\0'))),
    'EXIF without an end': async () =>
      withSegments(await baseline(), app(1, exif(1).content.subarray(0, 16))),
    'EXIF filled with zeros': async () =>
      withSegments(
        await baseline(),
        app(1, Buffer.concat([exif(1).content.subarray(0, 24), Buffer.alloc(35)])),
      ),
    'EXIF of rubbish': async () =>
      withSegments(await baseline(), app(1, Buffer.concat([latin1('Exif\0\0'), Buffer.alloc(40, 0xa7)]))),
    'a length that is too short': async () => {
      const bytes = withSegments(await baseline(), app(1, Buffer.alloc(40, 0x11)));
      bytes.writeUInt16BE(30, 4);
      return bytes;
    },
    'a length that is too long by two': async () => {
      const bytes = withSegments(await baseline(), app(4, Buffer.alloc(40, 0x11)), app(5, Buffer.alloc(40)));
      bytes.writeUInt16BE(44, 4);
      return bytes;
    },
    'comments and unknown segments': async () =>
      withSegments(
        await baseline(),
        { type: 'fe', content: latin1('hello') },
        app(9, Buffer.alloc(100, 0x5a)),
        app(15, Buffer.alloc(0)),
      ),
    'a preview in EXIF': async () =>
      withSegments(await baseline(), app(1, Buffer.concat([exif(1).content, await progressive()]))),
  }),
  ...rowsOf('JPEG junk', {
    'between segments': async () => withJunk(await baseline(), Buffer.alloc(20, '1122334455', 'hex')),
    'of zeros between segments': async () => withJunk(await baseline(), Buffer.alloc(33)),
    'of many 0xff between segments': async () => withJunk(await baseline(), Buffer.alloc(33, 0xff)),
    'before the scan': async () => withJunk(await baseline(), Buffer.alloc(7, 0x12), 4),
    'after the end': async () => Buffer.concat([await baseline(), Buffer.alloc(999, 0x77)]),
    'of another picture after the end': async () => Buffer.concat([await baseline(), await progressive()]),
    'of zeros instead of the end': async () =>
      Buffer.concat([withoutEnd(await baseline()), Buffer.alloc(500)]),
    'before the end': async () =>
      Buffer.concat([withoutEnd(await baseline()), Buffer.alloc(40, 0x3c), Buffer.from([0xff, 0xd9])]),
  }),
  ...damagedRows('JPEG without its end', {
    'baseline, 2 bytes': async () => withoutEnd(await baseline()),
    'baseline, 3 bytes': async () => withoutEnd(await baseline(), 3),
    'baseline, 40 bytes': async () => withoutEnd(await baseline(), 40),
    'progressive, 2 bytes': async () => withoutEnd(await progressive()),
    'progressive, 30 bytes': async () => withoutEnd(await progressive(), 30),
    'with restart markers': () => withoutEnd(withRestarts()),
    'grey, 2 bytes': async () => withoutEnd(await greyPicture().jpeg().toBuffer()),
  }),
  ...rowsOf('JPEG changed bytes', {
    'one bit early': async () =>
      changed(await baseline(), (data, start) => {
        data[start + 300] = (data[start + 300] ?? 0) ^ 0x10;
      }),
    'one bit late': async () =>
      changed(await baseline(), (data) => {
        data[data.length - 200] = (data[data.length - 200] ?? 0) ^ 0x04;
      }),
    'eight bytes of zeros': async () =>
      changed(await baseline(), (data, start) => data.fill(0, start + 700, start + 708)),
    'a marker in the data': async () =>
      changed(await baseline(), (data, start) => data.set([0xff, 0xc9], start + 700)),
    'an end in the data': async () =>
      changed(await baseline(), (data, start) => data.set([0xff, 0xd9], start + 700)),
    'a progressive file': async () =>
      changed(await progressive(), (data, start) => data.fill(0x55, start + 200, start + 204)),
    'with restart markers': () =>
      changed(withRestarts(), (data, start) => data.fill(0x11, start + 900, start + 910)),
    'Spectral selection of 0 to 0': async () =>
      changeSegments(await baseline(), 'da', (part) => {
        const content = Buffer.from(part.content);
        content.set([0, 0, 0], content.length - 3);
        return [{ ...part, content }];
      }),
  }),
  ...cutRows('JPEG baseline, cut', baseline),
  ...cutRows('JPEG progressive, cut', progressive),
  ...cutRows('JPEG with restart markers, cut', withRestarts, [30, 60, 90]),
];
