import sharp from 'sharp';
import { readAv1, withLastSize } from '../../../../../lambdas/resize/decoder/originals/avif/av1-header.ts';
import { type Av1Options, av1PartsOf, withLimitedRange } from '../../../../avif-parts.ts';
import { quarteredPicture } from '../../../../images.ts';
import { uint8s } from '../../../../iso-files.ts';

/** Writes bits given as text. Spaces do not count. */
const bitsOf = (...bits: readonly string[]): Buffer => {
  const text = bits.join('').replaceAll(' ', '').concat('1');
  const bytes = text.padEnd(Math.ceil(text.length / 8) * 8, '0').match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
};

const binary = (value: number, count: number): string => value.toString(2).padStart(count, '0');

const unit = (type: number, content: Buffer): Buffer =>
  Buffer.concat([uint8s((type << 3) | 2, content.byteLength), content]);

const delimiter = unit(2, Buffer.alloc(0));
const frame = unit(6, uint8s(1, 2, 3));

test.each([
  [8, '4:2:0'],
  [8, '4:4:4'],
  [10, '4:2:0'],
  [10, '4:4:4'],
  [12, '4:2:0'],
  [12, '4:4:4'],
] as const)('reads what an encoder writes: %d bits, %s', async (bitdepth, chromaSubsampling) => {
  const options: Av1Options = { bitdepth, chromaSubsampling };
  const { colour, alpha } = await av1PartsOf(quarteredPicture(80, 48), options);
  const common = { width: 80, height: 48, bits: bitdepth, isFullRange: true };
  expect(readAv1(colour.bytes).header).toMatchObject({ ...common, isMonochrome: false });
  expect(readAv1(alpha.bytes).header).toMatchObject({ ...common, isMonochrome: true });
  expect(readAv1(colour.bytes)).toMatchObject({ bytes: colour.bytes, hasFrame: true });
});

test('reads a limited range', async () => {
  const { alpha } = await av1PartsOf(quarteredPicture(80, 48));
  expect(readAv1(withLimitedRange(alpha).bytes).header).toMatchObject({ bits: 8, isFullRange: false });
});

describe('a long header', () => {
  const sizeBits = [binary(11, 4), binary(10, 4), binary(4000, 12), binary(1500, 11)];
  const colour = ['1', '0', '1', binary(9, 8), binary(16, 8), binary(9, 8), '0', '00'];
  const header = (points: readonly string[], tools: readonly string[], frameIds = '0'): Buffer =>
    unit(1, bitsOf('000', '0', '0', ...points, ...sizeBits, frameIds, '111', ...tools, '111', ...colour));
  const simple = ['0', '0', '00000', '000000000000', '00000'];
  const noTools = ['0000', '0', '1', '1'];
  const expected = {
    width: 4001,
    height: 1501,
    bits: 10,
    isMonochrome: false,
    primaries: 9,
    transfer: 16,
    matrix: 9,
    isFullRange: false,
  };

  test.each([
    ['without anything', simple, noTools, '0'],
    ['with ids of frames', simple, noTools, `1${binary(0, 7)}`],
    ['with an order of frames', simple, ['0000', '1', '11', '0', '1', '0', '1', '101'], '0'],
    ['without tools for screens', simple, ['0000', '0', '0', '0'], '0'],
    ['with a level that has tiers', ['0', '0', '00000', '000000000000', '01000', '1'], noTools, '0'],
    [
      'with times of frames, delays and two operating points',
      [
        `1 ${binary(1, 32)} ${binary(25, 32)} 1 00101`,
        `1 00111 ${binary(90, 32)} 00000 00000`,
        '1 00001',
        `${binary(1, 12)} 00001 1 ${binary(3, 8)} ${binary(3, 8)} 0 1 0000`,
        `${binary(2, 12)} 00001 0 0`,
      ],
      noTools,
      '0',
    ],
  ])('%s', (_, points, tools, frameIds) => {
    expect(readAv1(header(points, tools, frameIds)).header).toEqual(expected);
  });

  test('of several counts with the largest size', () => {
    const small = unit(1, bitsOf('000', '1', '1', '00000', '0111', '0111', binary(9, 8), binary(9, 8)));
    const large = header(simple, noTools);
    expect(readAv1(Buffer.concat([delimiter, large, small, frame])).header).toEqual(expected);
  });

  test('that ends too early is none', () => {
    const whole = header(simple, noTools);
    for (let length = 0; length < 12; length += 1) {
      expect(readAv1(unit(1, whole.subarray(2, 2 + length))).header).toBeUndefined();
    }
  });
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['zeros', Buffer.alloc(100)],
  ['a forbidden bit', Buffer.concat([uint8s(0x92, 0), frame])],
  ['a size without an end', Buffer.alloc(100, 0xff).fill(0x0a, 0, 1)],
])('%s has no header and no frame', (_, bytes) => {
  expect(readAv1(bytes).header).toBeUndefined();
  expect(readAv1(bytes).hasFrame).toBe(false);
});

test('takes the first temporal unit, and nothing after it', () => {
  const first = Buffer.concat([delimiter, delimiter, frame, frame]);
  expect(readAv1(Buffer.concat([first, delimiter, frame])).bytes).toEqual(first);
  expect(readAv1(Buffer.concat([frame, delimiter, frame])).bytes).toEqual(frame);
  expect(readAv1(Buffer.concat([first, uint8s(0xff, 1, 2)])).bytes).toEqual(first);
  expect(readAv1(first).bytes).toEqual(first);
});

test('gives the last unit the size that it lacks', () => {
  const content = Buffer.alloc(200, 7);
  const expected = Buffer.concat([delimiter, uint8s(0x32, 200, 1), content]);
  const bytes = Buffer.concat([delimiter, uint8s(0x30), content]);
  expect(readAv1(bytes)).toEqual({ bytes, header: undefined, hasFrame: true, lacksSize: true });
  expect(withLastSize(bytes)).toEqual(expected);
  expect(readAv1(expected)).toMatchObject({ hasFrame: true, lacksSize: false });
  expect(withLastSize(expected)).toEqual(expected);
});

test('takes no more units than a picture has', () => {
  const padding = unit(15, Buffer.alloc(0));
  const { bytes } = readAv1(Buffer.concat([frame, Buffer.alloc(100_000, padding)]));
  expect(bytes.byteLength).toBe(frame.byteLength + 9999 * padding.byteLength);
});

test('random bytes are survived', async () => {
  const { colour } = await av1PartsOf(
    sharp({ create: { width: 16, height: 16, channels: 3, background: 'red' } }),
  );
  for (let at = 0; at < Math.min(64, colour.bytes.byteLength); at += 1) {
    for (let value = 0; value < 256; value += 17) {
      const bytes = Buffer.from(colour.bytes);
      bytes[at] = value;
      readAv1(bytes).header;
    }
  }
  expect(readAv1(colour.bytes).header).toMatchObject({ width: 16, height: 16 });
});
