import { jpegParts } from '../trials/hostile/formats/jpeg.ts';
import { latin1, u16le, u32le } from '../trials/hostile/numbers.ts';
import type { Part } from '../trials/hostile/parts.ts';
import type { JpegComponent } from './jpeg-encoder.ts';
import { greyAt, rgbAt } from './picture.ts';

/** Application data: segment APP0 to APP15. */
export const app = (number: number, content: Buffer): Part => ({
  type: (0xe0 + number).toString(16),
  content,
});

export const jfif = app(0, latin1('JFIF\0\x01\x01\0\0\x01\0\x01\0\0'));

/** Adobe's segment: 0 is RGB or CMYK, 1 is YCbCr, 2 is YCCK. */
export const adobe = (transform: 0 | 1 | 2): Part =>
  app(14, Buffer.concat([latin1('Adobe\0'), Buffer.from([100, 0, 0, 0, 0, transform])]));

/** An EXIF block with only an orientation (CIPA DC-008, tag 0x0112). */
export const exifBlock = (orientation: number): Buffer =>
  Buffer.concat([
    latin1('II*\0'),
    u32le(8),
    u16le(1),
    u16le(0x0112),
    u16le(3),
    u32le(1),
    u32le(orientation),
    u32le(0),
  ]);

export const exif = (orientation: number): Part =>
  app(1, Buffer.concat([latin1('Exif\0\0'), exifBlock(orientation)]));

/** A profile, cut into segments of at most so many bytes (ICC.1:2010, B.4). */
export const iccSegments = (profile: Buffer, maxBytes = 60_000): readonly Part[] => {
  const count = Math.ceil(profile.length / maxBytes);
  return Array.from({ length: count }, (_, index) =>
    app(
      2,
      Buffer.concat([
        latin1('ICC_PROFILE\0'),
        Buffer.from([index + 1, count]),
        profile.subarray(index * maxBytes, (index + 1) * maxBytes),
      ]),
    ),
  );
};

/** The file with these segments after its first marker. */
export const withSegments = (bytes: Buffer, ...segments: readonly Part[]): Buffer => {
  const [start, ...rest] = jpegParts.split(bytes);
  return jpegParts.join([...(start ? [start] : []), ...segments, ...rest]);
};

/** The file with changed parts of one type, or without them. */
export const changeSegments = (
  bytes: Buffer,
  type: string,
  change: (part: Part, index: number) => readonly Part[],
): Buffer => {
  let index = 0;
  return jpegParts.join(
    jpegParts.split(bytes).flatMap((part) => {
      if (part.type !== type) return [part];
      index += 1;
      return change(part, index - 1);
    }),
  );
};

/** Where the coded data of the first scan begins. */
export const scanStart = (bytes: Buffer): number => {
  const at = bytes.indexOf(Buffer.from([0xff, 0xda]));
  return at + 2 + bytes.readUInt16BE(at + 2);
};

/** Rec. 601, full range, as JFIF has it. */
const lumaAt = (x: number, y: number): number => {
  const [red, green, blue] = rgbAt(x, y);
  return 0.299 * red + 0.587 * green + 0.114 * blue;
};

export const luma = (horizontal = 1, vertical = 1): JpegComponent => ({
  id: 1,
  horizontal,
  vertical,
  at: lumaAt,
});
export const blueDifference = (horizontal = 1, vertical = 1): JpegComponent => ({
  id: 2,
  horizontal,
  vertical,
  at: (x, y) => 128 + (rgbAt(x, y)[2] - lumaAt(x, y)) / 1.772,
});
export const redDifference = (horizontal = 1, vertical = 1): JpegComponent => ({
  id: 3,
  horizontal,
  vertical,
  at: (x, y) => 128 + (rgbAt(x, y)[0] - lumaAt(x, y)) / 1.402,
});
export const chroma = (): readonly JpegComponent[] => [blueDifference(), redDifference()];
export const grey: JpegComponent = { id: 1, at: greyAt };

export const rgbComponents = (ids: readonly [number, number, number]): readonly JpegComponent[] =>
  ([0, 1, 2] as const).map((channel) => ({
    id: ids[channel],
    at: (x: number, y: number) => rgbAt(x, y)[channel],
  }));

/** Cyan, magenta, yellow and a constant black, as much ink as the number says; Adobe stores them inverted. */
export const cmykComponents = (isInverted: boolean): readonly JpegComponent[] => {
  const stored = (ink: number) => (isInverted ? 255 - ink : ink);
  return [
    ...([0, 1, 2] as const).map((channel) => ({
      id: channel + 1,
      at: (x: number, y: number) => stored(255 - rgbAt(x, y)[channel]),
    })),
    { id: 4, at: () => stored(20) },
  ];
};

/** Adobe's YCCK: luma and differences of the inverted inks, which are the colours, and inverted black. */
export const ycckComponents = (): readonly JpegComponent[] => [luma(), ...chroma(), { id: 4, at: () => 235 }];
