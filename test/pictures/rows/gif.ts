import { type GifFrame, gif, loopExtension, type Palette } from '../gif-blocks.ts';
import { height, patchAt, patches, picture, transparentPicture, width } from '../picture.ts';
import { cutRows, damagedRows, differingRows, type Row, rowsOf } from '../row.ts';

const whole: GifFrame = {};
const other: GifFrame = { at: (x, y) => 11 - patchAt(x, y) };
const cornerFrame: GifFrame = { x: 40, y: 30, width: 60, height: 50 };
const fewColours: Palette = patches.slice(0, 2);

const still = (frame: GifFrame = whole): Buffer => gif({ frames: [frame] });

/** A frame whose compressed data is rubbish. */
const badFrame = Buffer.concat([
  Buffer.from([0x2c, 0, 0, 0, 0, width, 0, height, 0, 0, 13, 2, 1, 2, 0]),
  Buffer.from([0x3b]),
]);

export const gifRows: readonly Row[] = [
  ...rowsOf('GIF', {
    still: () => still(),
    interlaced: () => still({ isInterlaced: true }),
    'as sharp writes it': () => picture().gif().toBuffer(),
    'with transparency, as sharp writes it': () => transparentPicture().gif().toBuffer(),
    'with a transparent colour': () => still({ transparent: 3 }),
    'interlaced, with a transparent colour': () => still({ transparent: 3, isInterlaced: true }),
    'with colours of its own': () => still({ palette: patches.toReversed() }),
    'without common colours': () => gif({ palette: null, frames: [{ palette: patches }] }),
    'two colours': () => gif({ palette: fewColours, frames: [{ at: (x, y) => patchAt(x, y) % 2 }] }),
    'version 87a': () => gif({ version: '87a', frames: [whole] }),
    'a number beyond the colours': () =>
      gif({ palette: patches.slice(0, 8), frames: [{ at: (x, y) => patchAt(x, y) % 8 }] }),
    'a transparent number beyond the colours': () => still({ transparent: 200 }),
    'a comment': () => gif({ frames: [whole], extensions: [Buffer.from('\x21\xfe\x05hello\0', 'latin1')] }),
  }),
  ...differingRows('GIF', 'without colours, numbers mean nothing', {
    'no colours at all': () => gif({ palette: null, frames: [whole] }),
  }),
  ...rowsOf('GIF canvas', {
    'first frame smaller': () => still(cornerFrame),
    'first frame smaller, with a background colour': () => gif({ background: 4, frames: [cornerFrame] }),
    'first frame smaller, transparent colour': () => still({ ...cornerFrame, transparent: 5 }),
    'first frame smaller, then a whole one': () =>
      gif({ frames: [{ ...cornerFrame, hasControl: true }, whole] }),
    'first frame beyond the canvas': () => still({ x: 40, y: 40 }),
    'first frame larger than the canvas': () => gif({ width: 100, height: 70, frames: [whole] }),
    'first frame wholly outside': () => still({ x: 500, y: 500 }),
    'a canvas of no size': () => gif({ width: 0, height: 0, frames: [whole] }),
    'a frame of no size': () => still({ width: 0, height: 0 }),
  }),
  ...rowsOf('GIF animation', {
    'first frame of two': () => gif({ frames: [{ hasControl: true }, other], extensions: [loopExtension] }),
    'restores the background': () => gif({ frames: [{ disposal: 2 }, { ...cornerFrame, transparent: 1 }] }),
    'restores the frame before': () => gif({ frames: [{ disposal: 3 }, other] }),
    'first frame with a transparent colour': () => gif({ frames: [{ transparent: 3, disposal: 2 }, other] }),
    'as sharp writes it': () =>
      Promise.resolve(gif({ frames: [{ hasControl: true }, other, whole], extensions: [loopExtension] })),
  }),
  ...damagedRows('GIF damaged', {
    'no trailer': () => gif({ frames: [whole], end: Buffer.alloc(0) }),
    'zeros for the trailer': () => gif({ frames: [whole], end: Buffer.alloc(300) }),
    'rubbish for the trailer': () => gif({ frames: [whole], end: Buffer.alloc(300, 0x67) }),
    'rubbish after the trailer': () => gif({ frames: [whole], end: Buffer.from('\x3bmore', 'latin1') }),
    'second frame of rubbish': () => gif({ frames: [{ hasControl: true }], end: badFrame }),
    'second frame cut': () => gif({ frames: [{ hasControl: true }, other] }).subarray(0, -9000),
    '5 bytes missing': () => still().subarray(0, -5),
    '1 byte missing of an interlaced one': () => still({ isInterlaced: true }).subarray(0, -3),
    'a changed byte': () => {
      const bytes = Buffer.from(still());
      bytes[9000] = 0xff;
      return bytes;
    },
    'an unknown block before the frame': () =>
      gif({ frames: [whole], extensions: [Buffer.from([0x21, 0x77, 3, 1, 2, 3, 0])] }),
    'only the header': () => gif({ frames: [] }),
    'code size of 12': () => {
      const bytes = Buffer.from(still());
      bytes[13 + 48 + 10] = 12;
      return bytes;
    },
  }),
  ...cutRows('GIF, cut', () => still()),
  ...cutRows('GIF interlaced, cut', () => still({ isInterlaced: true }), [20, 40, 60, 80]),
  ...cutRows('GIF with transparency, cut', () => still({ transparent: 3 }), [40, 80]),
];
