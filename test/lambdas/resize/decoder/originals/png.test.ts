import { deflateRawSync, deflateSync } from 'node:zlib';
import { chunkOf } from '../../../../../lambdas/resize/decoder/originals/png/chunks.ts';
import {
  compressed,
  decoded,
  end,
  expectColour,
  file,
  header,
  idat,
  type Picture,
  pngOf,
  rowsOf,
  tile,
  uint16,
  uint32,
  withWrongCheck,
} from './png-files.ts';

/*
 * What is expected here is what Chromium 156 shows of these files.
 */

const levelAt = (x: number, y: number): number => (x * 5 + y * 40) % 256;

/** Every pixel differs from its neighbours. */
const gradient: Picture = {
  width: 48,
  height: 32,
  depth: 8,
  type: 'rgb',
  pixel: (x, y) => [levelAt(x, y), 255 - levelAt(x, y), (x * y) % 256],
};

const rowBytes = 1 + gradient.width * 3;

const expectGradient = async (bytes: Buffer): Promise<void> => {
  const { pixel, damage } = await decoded(bytes);
  expect(damage).toBeUndefined();
  for (const [x, y] of [
    [0, 0],
    [47, 0],
    [13, 17],
    [0, 31],
    [47, 31],
  ] as const) {
    const [red, green, blue, alpha = 255] = pixel(x, y);
    expect([red, green, blue, alpha]).toEqual([...gradient.pixel(x, y), 255]);
  }
};

/** Splits data among chunks. */
const idats = (data: Buffer, bytesOfEach: number): readonly Buffer[] =>
  Array.from({ length: Math.ceil(data.byteLength / bytesOfEach) }, (_, index) =>
    idat(data.subarray(index * bytesOfEach, (index + 1) * bytesOfEach)),
  );

/** Stored without compression, so that each row is at a known place. */
const storedRows = deflateSync(rowsOf(gradient), { level: 0 });

describe('every kind of PNG is shown', () => {
  const max = (depth: number): number => 2 ** depth - 1;
  const inBytes = (sample: number, depth: number): number =>
    depth === 16 ? sample >> 8 : Math.round((sample * 255) / max(depth));

  test.each([1, 2, 4, 8, 16] as const)('grey of %i bits', async (depth) => {
    for (const isInterlaced of [false, true]) {
      const pixel = (x: number, y: number) => [Math.round((((x + 3 * y) % 16) / 15) * max(depth))];
      const picture: Picture = { width: 17, height: 9, depth, type: 'grey', isInterlaced, pixel };
      const shown = await decoded(pngOf(picture));
      for (const [x, y] of [
        [0, 0],
        [16, 0],
        [7, 5],
        [16, 8],
      ] as const) {
        const level = inBytes(pixel(x, y)[0] ?? 0, depth);
        expectColour(shown.pixel(x, y), [level, level, level]);
      }
    }
  });

  test.each([1, 2, 4, 8] as const)('palettes of %i bits', async (depth) => {
    for (const isInterlaced of [false, true]) {
      const pixel = (x: number, y: number) => [(x + y) % 2];
      const picture: Picture = { width: 5, height: 3, depth, type: 'palette', isInterlaced, pixel };
      const shown = await decoded(pngOf(picture, chunkOf('PLTE', Buffer.from([200, 9, 9, 9, 9, 200]))));
      expect(shown.pixel(0, 0)).toEqual([200, 9, 9]);
      expect(shown.pixel(4, 1)).toEqual([9, 9, 200]);
    }
  });

  test.each([8, 16] as const)('colours and alpha of %i bits', async (depth) => {
    const shown = async (type: 'rgb' | 'rgba' | 'greyAlpha', samples: readonly number[]) =>
      (await decoded(pngOf(tile(type, samples, depth)))).pixel(7, 5);
    expect(await shown('rgb', [9, 99, 199])).toEqual([9, 99, 199]);
    expect(await shown('rgba', [9, 99, 199, 77])).toEqual([9, 99, 199, 77]);
    expect(await shown('greyAlpha', [99, 77])).toEqual([99, 99, 99, 77]);
  });

  test('one pixel, one column and one row', async () => {
    for (const [width, height] of [
      [1, 1],
      [1, 9],
      [9, 1],
    ] as const) {
      for (const isInterlaced of [false, true]) {
        const shown = await decoded(pngOf({ ...gradient, width, height, isInterlaced }));
        expect(shown.pixel(width - 1, height - 1)).toEqual(gradient.pixel(width - 1, height - 1));
      }
    }
  });
});

describe('chunks that change nothing', () => {
  test.each([
    ['a background', chunkOf('bKGD', uint16(0, 255, 0))],
    ['pixels that are not square', chunkOf('pHYs', Buffer.concat([uint32(1, 4), Buffer.from([0])]))],
    ['significant bits', chunkOf('sBIT', Buffer.from([5, 6, 5]))],
    ['a suggested palette', chunkOf('PLTE', Buffer.alloc(30))],
    ['a text with a wrong check', withWrongCheck(chunkOf('tEXt', Buffer.from('a\0b')))],
    ['a malformed text', chunkOf('zTXt', Buffer.from('a\0\0zzz'))],
    ['a malformed time', chunkOf('tIME', Buffer.from([1]))],
    ['an unknown chunk', chunkOf('vpAg', Buffer.alloc(9))],
    ['a chunk whose name has no letters', chunkOf('a1?d', Buffer.alloc(9))],
    ['a short transparent colour', chunkOf('tRNS', uint16(0, 0))],
    ['a transparent colour with a wrong check', withWrongCheck(chunkOf('tRNS', uint16(0, 255, 0)))],
  ])('%s', async (_, chunk) => {
    await expectGradient(pngOf(gradient, chunk));
  });

  test('except for an Exif orientation', async () => {
    const orientation = '4d4d002a00000008000101120003000000010006000000000000';
    const exif = chunkOf('eXIf', Buffer.from(orientation, 'hex'));
    const turned = await decoded(pngOf(gradient, exif));
    expect([turned.width, turned.height]).toEqual([32, 48]);
    expect(turned.pixel(31, 0)).toEqual(gradient.pixel(0, 0));
    const half = deflateSync(rowsOf(gradient).subarray(0, 16 * rowBytes));
    const cut = await decoded(file(header(gradient), exif, idat(half), end));
    expect(cut.pixel(31, 47)).toEqual([...gradient.pixel(47, 0), 255]);
    expect(cut.pixel(15, 0)).toEqual([0, 0, 0, 0]);
  });

  test('after the picture', async () => {
    const data = idat(compressed(gradient));
    await expectGradient(file(header(gradient), data));
    await expectGradient(file(header(gradient), data, withWrongCheck(end)));
    await expectGradient(file(header(gradient), data, chunkOf('gAMA', uint32(100_000)), end));
    await expectGradient(file(header(gradient), data, chunkOf('tRNS', uint16(0, 255, 0)), end));
    await expectGradient(file(header(gradient), data, idat(Buffer.from('more')), end));
    await expectGradient(file(header(gradient), data, end, Buffer.from('garbage'.repeat(99))));
  });
});

describe('data that is odd but whole', () => {
  const data = compressed(gradient);
  const zlibHeader = (first: number): Buffer => {
    const frame = Buffer.from([first, 0]);
    frame[1] = 31 - (frame.readUInt16BE(0) % 31);
    return Buffer.concat([frame, data.subarray(2)]);
  };

  test('is spread over many chunks, some of them empty', async () => {
    await expectGradient(file(header(gradient), ...idats(data, 1), end));
    const spread = idats(data, 50).flatMap((each) => [idat(Buffer.alloc(0)), each]);
    await expectGradient(file(header(gradient), ...spread, idat(Buffer.alloc(0)), end));
  });

  test('has a chunk with a wrong check', async () => {
    await expectGradient(file(header(gradient), withWrongCheck(idat(data)), end));
  });

  test('has a window that is too small', async () => {
    await expectGradient(file(header(gradient), idat(zlibHeader(0x08)), end));
  });

  test('lacks its check', async () => {
    await expectGradient(file(header(gradient), idat(data.subarray(0, -4)), end));
  });

  test('has a wrong check, which says that the data is damaged', async () => {
    const wrong = Buffer.from(data);
    wrong[wrong.byteLength - 1] = (wrong.at(-1) ?? 0) ^ 1;
    const { pixel, damage } = await decoded(file(header(gradient), idat(wrong), end));
    expect(damage?.kind).toBe('damaged');
    expect(pixel(47, 31)).toEqual([...gradient.pixel(47, 31), 255]);
  });

  test('is longer than the picture', async () => {
    const longer = deflateSync(Buffer.concat([rowsOf(gradient), Buffer.alloc(500)]));
    await expectGradient(file(header(gradient), idat(longer), end));
  });
});

describe('a damaged file shows the rows before the damage', () => {
  const expectRows = async (bytes: Buffer, rows: number, kind: 'incomplete' | 'damaged') => {
    const { pixel, damage } = await decoded(bytes);
    expect(damage?.kind).toBe(kind);
    expect(pixel(0, 0)).toEqual([...gradient.pixel(0, 0), 255]);
    expect(pixel(47, rows - 1)).toEqual([...gradient.pixel(47, rows - 1), 255]);
    expect(pixel(0, rows)).toEqual([0, 0, 0, 0]);
    expect(pixel(47, 31)).toEqual([0, 0, 0, 0]);
  };

  test('if it is cut off', async () => {
    const whole = file(header(gradient), idat(storedRows), end);
    // The signature, the header, the start of the chunk, of the stream, and of its block.
    const start = 8 + 25 + 8 + 2 + 5;
    await expectRows(whole.subarray(0, start + 20 * rowBytes), 20, 'incomplete');
    await expectRows(whole.subarray(0, start + 20 * rowBytes + 30), 20, 'incomplete');
    const parts = file(header(gradient), ...idats(storedRows, 100), end);
    await expectRows(parts.subarray(0, 8 + 25 + 30 * 112), 20, 'incomplete');
  });

  test('if its data ends too early', async () => {
    const short = deflateSync(rowsOf(gradient).subarray(0, 20 * rowBytes));
    await expectRows(file(header(gradient), idat(short), end), 20, 'damaged');
  });

  test('if a row has a filter that does not exist', async () => {
    const rows = rowsOf(gradient);
    rows[20 * rowBytes] = 5;
    await expectRows(file(header(gradient), idat(deflateSync(rows)), end), 20, 'damaged');
  });

  test('if the compressed data makes no sense', async () => {
    // A block of the reserved kind.
    const data = Buffer.concat([
      storedRows.subarray(0, 2),
      deflateRawSync(rowsOf(gradient).subarray(0, 20 * rowBytes), { level: 0, finishFlush: 2 }),
      Buffer.alloc(50, 0xff),
    ]);
    await expectRows(file(header(gradient), idat(data), end), 20, 'damaged');
  });

  test('if another chunk interrupts the data', async () => {
    const [first = end, ...others] = idats(storedRows, 7 + 20 * rowBytes);
    const text = chunkOf('tEXt', Buffer.from('a\0b'));
    await expectRows(file(header(gradient), first, text, ...others, end), 20, 'damaged');
  });

  test('if a chunk has a wrong length', async () => {
    const [first = end, ...others] = idats(storedRows, 7 + 20 * rowBytes);
    first.writeUInt32BE(first.readUInt32BE(0) + 3, 0);
    const { damage } = await decoded(file(header(gradient), first, ...others, end));
    expect(damage?.kind).toBe('damaged');
  });

  test('and what it has of each pass if it is interlaced', async () => {
    const picture = { ...gradient, isInterlaced: true };
    const rows = rowsOf(picture);
    const firstPass = 4 * (1 + 6 * 3);
    const { pixel, damage } = await decoded(
      file(header(picture), idat(deflateSync(rows.subarray(0, firstPass))), end),
    );
    expect(damage?.kind).toBe('damaged');
    // Each pixel covers its neighbours.
    expect(pixel(8, 16)).toEqual([...gradient.pixel(8, 16), 255]);
    expect(pixel(15, 23)).toEqual([...gradient.pixel(8, 16), 255]);
    expect(pixel(47, 31)).toEqual([...gradient.pixel(40, 24), 255]);
    const partly = await decoded(
      file(header(picture), idat(deflateSync(rows.subarray(0, firstPass / 2))), end),
    );
    expect(partly.pixel(47, 15)).toEqual([...gradient.pixel(40, 8), 255]);
    expect(partly.pixel(0, 16)).toEqual([0, 0, 0, 0]);
  });

  test.each([
    ['grey', { ...gradient, type: 'grey', pixel: (x: number, y: number) => [levelAt(x, y)] }],
    [
      'grey of 2 bits',
      { ...gradient, type: 'grey', depth: 2, pixel: (x: number, y: number) => [(x + y) % 4] },
    ],
    ['16 bits', { ...gradient, depth: 16, pixel: (x: number, y: number) => [x * 999, y * 999, 77] }],
    ['alpha', { ...gradient, type: 'rgba', pixel: (x: number, y: number) => [x, y, 99, 128] }],
    ['a palette', { ...gradient, type: 'palette', depth: 4, pixel: (x: number, y: number) => [(x + y) % 7] }],
  ] as const)('in the colours of the whole file: %s', async (_, picture) => {
    const palette = picture.type === 'palette' ? [chunkOf('PLTE', Buffer.from([9, 99, 199, 1, 2, 3]))] : [];
    const whole = await decoded(pngOf(picture, ...palette));
    const half = rowsOf(picture).subarray(0, rowsOf(picture).byteLength / 2);
    const cut = await decoded(file(header(picture), ...palette, idat(deflateSync(half)), end));
    const [red = 0, green = 0, blue = 0, alpha = 255] = whole.pixel(40, 15);
    expect(cut.pixel(40, 15)).toEqual([red, green, blue, alpha]);
    expect(cut.pixel(40, 16)).toEqual([0, 0, 0, 0]);
  });

  test('and its colours are converted', async () => {
    const p3 = chunkOf('cICP', Buffer.from([12, 13, 0, 1]));
    const picture = { ...tile('rgb', [180, 120, 60]), height: 20 };
    const half = deflateSync(rowsOf(picture).subarray(0, 250));
    const { pixel } = await decoded(file(header(picture), p3, idat(half), end));
    expectColour(pixel(0, 5), [190, 117, 45, 255]);
    expect(pixel(0, 19)).toEqual([0, 0, 0, 0]);
  });
});

describe('a file that shows nothing is corrupt', () => {
  const data = idat(compressed(gradient));
  const palette: Picture = { ...tile('palette', [0]) };

  test.each([
    ['it is cut off before the picture', file(header(gradient), data).subarray(0, 41)],
    ['it is cut off in the first row', file(header(gradient), idat(storedRows)).subarray(0, 90)],
    ['it has no picture', file(header(gradient), end)],
    ['its picture is empty', file(header(gradient), idat(Buffer.alloc(0)), end)],
    ['its header is damaged', file(withWrongCheck(header(gradient)), data, end)],
    ['it has no header', file(data, end)],
    ['its data is not compressed as it says', file(header(gradient), idat(Buffer.alloc(400, 7)), end)],
    ['it needs a palette and has none', pngOf(palette)],
    ['its palette is damaged', pngOf(palette, withWrongCheck(chunkOf('PLTE', Buffer.alloc(3))))],
    ['its palette is empty', pngOf(palette, chunkOf('PLTE'))],
    ['its size is zero', file(header({ ...gradient, width: 0 }), data, end)],
    ['its depth is impossible', file(header({ ...gradient, depth: 4 }), data, end)],
  ])('because %s', async (_, bytes) => {
    await expect(decoded(bytes)).rejects.toMatchObject({ code: 'image-corrupt' });
  });

  test('a PNG that only Apple reads is no such file', async () => {
    const bytes = file(
      chunkOf('CgBI', Buffer.from([0x50, 0, 0x20, 2])),
      header(gradient),
      idat(deflateRawSync(rowsOf(gradient))),
      end,
    );
    await expect(decoded(bytes)).rejects.toMatchObject({ code: 'unsupported-type' });
  });
});

describe('a header that the specification does not allow', () => {
  const withHeader = (depth: number, colourType: number, size: readonly [number, number] = [8, 8]): Buffer =>
    file(
      chunkOf('IHDR', Buffer.concat([uint32(...size), Buffer.from([depth, colourType, 0, 0, 0])])),
      chunkOf('PLTE', Buffer.from([9, 9, 9, 90, 90, 90])),
      chunkOf('tRNS', Buffer.from([9])),
      idat(deflateSync(Buffer.alloc(200))),
      end,
    );

  test.each([
    ['a depth of 0', withHeader(0, 3)],
    ['a palette of 16 bits', withHeader(16, 3)],
    ['a palette of 64 bits', withHeader(64, 3)],
    ['a palette of 255 bits', withHeader(255, 3)],
    ['grey of 255 bits', withHeader(255, 0)],
    ['colours of one bit', withHeader(1, 2)],
    ['an unknown type', withHeader(8, 200)],
    ['no width', withHeader(8, 3, [0, 8])],
    ['no height', withHeader(8, 3, [8, 0])],
  ])('with %s makes the file corrupt', async (_, bytes) => {
    await expect(decoded(bytes)).rejects.toMatchObject({ code: 'image-corrupt' });
  });
});

describe('palettes and transparency', () => {
  const indexed: Picture = { width: 8, height: 1, depth: 8, type: 'palette', pixel: (x) => [x] };
  const plte = chunkOf('PLTE', Buffer.from([200, 0, 0, 0, 200, 0, 0, 0, 200]));
  const trns = (...alphas: readonly number[]) => chunkOf('tRNS', Buffer.from(alphas));

  test('samples beyond the palette have its last colour', async () => {
    for (const depth of [4, 8] as const) {
      const { pixel } = await decoded(pngOf({ ...indexed, depth }, plte));
      expect(pixel(1, 0)).toEqual([0, 200, 0]);
      expect(pixel(2, 0)).toEqual([0, 0, 200]);
      expect(pixel(7, 0)).toEqual([0, 0, 200]);
    }
  });

  test('a palette may have fewer or more alphas than colours', async () => {
    const fewer = await decoded(pngOf(indexed, plte, trns(0, 128)));
    expect([0, 1, 2, 7].map((x) => fewer.pixel(x, 0)[3])).toEqual([0, 128, 255, 255]);
    const more = await decoded(pngOf(indexed, plte, trns(0, 128, 77, 66, 55, 44)));
    expect([0, 1, 2, 7].map((x) => more.pixel(x, 0)[3])).toEqual([0, 128, 77, 77]);
  });

  test.each([
    ['before the palette', [trns(0, 128), plte]],
    ['with a wrong check', [plte, withWrongCheck(trns(0, 128))]],
    ['for more than 256 colours', [plte, chunkOf('tRNS', Buffer.alloc(300))]],
  ])('alphas %s are ignored', async (_, chunks) => {
    const { pixel } = await decoded(pngOf(indexed, ...chunks));
    expect(pixel(0, 0).slice(0, 3)).toEqual([200, 0, 0]);
    expect(pixel(0, 0)[3] ?? 255).toBe(255);
  });

  test('bytes after a palette are ignored', async () => {
    const longer = chunkOf('PLTE', Buffer.from([200, 0, 0, 0, 200, 0, 9]));
    expect((await decoded(pngOf(indexed, longer))).pixel(0, 0)).toEqual([200, 0, 0]);
  });

  test('one colour may be transparent', async () => {
    const ramp: Picture = { ...indexed, type: 'grey', pixel: (x) => [x] };
    const grey = await decoded(pngOf(ramp, chunkOf('tRNS', uint16(3))));
    expect([2, 3, 4].map((x) => grey.pixel(x, 0)[3])).toEqual([255, 0, 255]);
    const rgb: Picture = { ...indexed, type: 'rgb', pixel: (x) => [x, 7, 9] };
    const colour = await decoded(pngOf(rgb, chunkOf('tRNS', uint16(3, 7, 9, 0))));
    expect([2, 3, 4].map((x) => colour.pixel(x, 0)[3])).toEqual([255, 0, 255]);
    // It is none of the possible samples.
    const impossible = await decoded(pngOf({ ...ramp, depth: 4 }, chunkOf('tRNS', uint16(0x13))));
    expect(impossible.pixel(3, 0)).toEqual([51, 51, 51]);
  });
});

describe('an animation shows its first frame', () => {
  const other: Picture = { ...gradient, pixel: () => [200, 50, 50] };
  const animation = chunkOf('acTL', uint32(1, 0));
  const control = (sequence: number, { width, height }: Picture, left = 0, top = 0): Buffer =>
    chunkOf(
      'fcTL',
      Buffer.concat([uint32(sequence, width, height, left, top), uint16(1, 10), Buffer.from([0, 0])]),
    );
  const frame = (sequence: number, data: Buffer): Buffer =>
    chunkOf('fdAT', Buffer.concat([uint32(sequence), data]));
  const small: Picture = { ...gradient, width: 20, height: 10 };

  test('which may not be the default image', async () => {
    const hidden = [header(gradient), animation, idat(compressed(other))];
    await expectGradient(file(...hidden, control(0, gradient), frame(1, compressed(gradient)), end));
    const data = compressed(gradient);
    const parts = [frame(1, data.subarray(0, 30)), frame(2, data.subarray(30))];
    await expectGradient(file(...hidden, control(0, gradient), ...parts, end));
  });

  test('which is the default image if it has a control chunk, or there is no animation', async () => {
    const data = [idat(compressed(gradient)), control(1, gradient), frame(2, compressed(other)), end];
    await expectGradient(file(header(gradient), animation, control(0, gradient), ...data));
    await expectGradient(file(header(gradient), ...data));
    await expectGradient(file(header(gradient), chunkOf('acTL', uint32(0, 0)), ...data));
    await expectGradient(file(header(gradient), withWrongCheck(animation), ...data));
  });

  test('which may be a part of the canvas', async () => {
    const bytes = file(
      header(gradient),
      animation,
      idat(compressed(other)),
      control(0, small, 5, 7),
      frame(1, compressed(small)),
      end,
    );
    const { pixel, width, height } = await decoded(bytes);
    expect([width, height]).toEqual([48, 32]);
    expect(pixel(4, 7)).toEqual([0, 0, 0, 0]);
    expect(pixel(5, 7)).toEqual([...small.pixel(0, 0), 255]);
    expect(pixel(24, 16)).toEqual([...small.pixel(19, 9), 255]);
    expect(pixel(25, 16)).toEqual([0, 0, 0, 0]);
  });

  test('which may be damaged', async () => {
    const rows = deflateSync(rowsOf(gradient).subarray(0, 20 * rowBytes));
    const hidden = [header(gradient), animation, idat(compressed(other))];
    const { pixel, damage } = await decoded(file(...hidden, control(0, gradient), frame(1, rows), end));
    expect(damage?.kind).toBe('damaged');
    expect(pixel(47, 19)).toEqual([...gradient.pixel(47, 19), 255]);
    expect(pixel(0, 20)).toEqual([0, 0, 0, 0]);
    const nothing = file(...hidden, control(0, small, 5, 7), frame(1, Buffer.alloc(9)), end);
    await expect(decoded(nothing)).rejects.toMatchObject({ code: 'image-corrupt' });
  });
});
