import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { InvalidThumbnail, verifyThumbnail } from '../../../lambdas/image/thumbnail-file.ts';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import { renderImage } from '../../../lambdas/resize/decoder/render.ts';
import { readSettings } from '../../../lib/settings.ts';
import { cameraPicture, quarteredPicture } from '../../images.ts';
import { riffChunk, webp } from '../resize/decoder/animation/animations.ts';

/** As encode.ts sets them. */
const encoders = {
  webp: (picture: Sharp, quality?: number) => picture.webp({ quality, effort: 2 }),
  jpeg: (picture: Sharp, quality?: number) => picture.flatten().jpeg({ quality }),
  avif: (picture: Sharp, quality?: number) => picture.avif({ quality, effort: 2 }),
  png: (picture: Sharp) => picture.png(),
} as const;
type Format = keyof typeof encoders;
const formats: readonly Format[] = ['webp', 'jpeg', 'avif', 'png'];

/** The next of a series of numbers that is the same in each run. */
const nextOf = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  };
};

/** What compresses worst. */
const noise = (width: number, height: number, channels: 1 | 2 | 3 | 4): Sharp => {
  const next = nextOf(width * 31 + height * 7 + channels);
  const pixels = Buffer.alloc(width * height * channels).map(next);
  const picture = sharp(pixels, { raw: { width, height, channels } });
  return channels < 3 ? picture.toColourspace('b-w') : picture;
};

const plain = (width: number, height: number, alpha: number): Sharp =>
  sharp({ create: { width, height, channels: 4, background: { r: 200, g: 30, b: 30, alpha } } });

const verified = (bytes: Uint8Array, format: Format) =>
  verifyThumbnail(bytes, { format, maxWidth: 4096, maxHeight: 4096 });

/** Why it is refused; fails when it is not, or when it is refused by anything but a check. */
const refusal = (bytes: Uint8Array, format: Format): string => {
  try {
    verified(bytes, format);
  } catch (error) {
    if (error instanceof InvalidThumbnail) return error.message;
    throw error;
  }
  throw new Error(`A ${format} of ${bytes.byteLength} bytes was accepted.`);
};

const pictureOf = (format: Format, alpha = 0.5): Promise<Buffer> =>
  encoders[format](plain(64, 48, alpha)).toBuffer();

describe.each(formats)('a %s thumbnail as sharp writes it', (format) => {
  const sizes = [
    [1, 1],
    [1, 2],
    [3, 1],
    [7, 5],
    [64, 48],
    [320, 213],
    [4096, 1],
    [1, 4096],
  ] as const;

  test.each(sizes)(
    'is accepted with %d x %d pixels, grey or coloured, opaque or not',
    async (width, height) => {
      const pictures = [
        ...([1, 2, 3, 4] as const).map((channels) => noise(width, height, channels)),
        ...[0, 0.5, 1].map((alpha) => plain(width, height, alpha)),
      ];
      for (const picture of pictures) {
        const bytes = await encoders[format](picture).toBuffer();
        expect(verified(bytes, format)).toEqual({ width, height });
      }
    },
  );

  test.each([1, 20, 50, 80, 100])('is accepted at quality %d, even if it is noise', async (quality) => {
    for (const channels of [3, 4] as const) {
      const bytes = await encoders[format](noise(400, 300, channels), quality).toBuffer();
      expect(verified(bytes, format)).toEqual({ width: 400, height: 300 });
    }
  });

  test('is accepted at the largest size of a variant', async () => {
    const bytes = await encoders[format](plain(4096, 4096, 0.5)).toBuffer();
    expect(verified(bytes, format)).toEqual({ width: 4096, height: 4096 });
  }, 120_000);

  test('is accepted when it comes from a photo with EXIF, a colour profile and a resolution', async () => {
    const photo = await (await cameraPicture(48, 64, 6)).withIccProfile('p3').jpeg().toBuffer();
    // By way of pixels, as encode.ts goes.
    const { data, info } = await sharp(photo).autoOrient().raw().toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const bytes = await encoders[format](sharp(data, { raw: { width, height, channels } })).toBuffer();
    expect(verified(bytes, format)).toEqual({ width: 48, height: 64 });
  });
});

test.each([
  ['webp', 'without loss', (picture: Sharp) => picture.webp({ lossless: true })],
  [
    'webp',
    'almost without loss',
    (picture: Sharp) => picture.webp({ nearLossless: true, quality: 60, effort: 2 }),
  ],
  ['avif', 'without loss', (picture: Sharp) => picture.avif({ lossless: true, effort: 0 })],
  ['avif', 'with fewer colours', (picture: Sharp) => picture.avif({ chromaSubsampling: '4:2:0', effort: 0 })],
  ['jpeg', 'progressive', (picture: Sharp) => picture.flatten().jpeg({ mozjpeg: true })],
  ['jpeg', 'with all colours', (picture: Sharp) => picture.flatten().jpeg({ chromaSubsampling: '4:4:4' })],
  ['png', 'with a palette', (picture: Sharp) => picture.png({ palette: true })],
  ['png', 'with a palette of four', (picture: Sharp) => picture.png({ palette: true, colours: 4 })],
  ['png', 'not compressed', (picture: Sharp) => picture.png({ compressionLevel: 0 })],
] as const)('a %s %s is accepted', async (format, _, encode) => {
  for (const channels of [1, 2, 3, 4] as const) {
    const bytes = await encode(noise(300, 200, channels)).toBuffer();
    expect(verified(bytes, format)).toEqual({ width: 300, height: 200 });
  }
});

describe.each(formats)('a %s thumbnail is refused', (format) => {
  test('empty, or cut off anywhere', async () => {
    for (const alpha of [0.5, 1]) {
      const bytes = await pictureOf(format, alpha);
      expect(verified(bytes, format)).toEqual({ width: 64, height: 48 });
      for (let length = 0; length < bytes.byteLength; length += 1) {
        expect(refusal(bytes.subarray(0, length), format)).not.toBe('');
      }
    }
  });

  test('with anything after its end, or before its start', async () => {
    const bytes = await pictureOf(format);
    for (const extra of ['\0', 'secret', '\0\0\0\x08free', bytes.toString('latin1')]) {
      const hidden = Buffer.from(extra, 'latin1');
      refusal(Buffer.concat([bytes, hidden]), format);
      refusal(Buffer.concat([hidden, bytes]), format);
    }
  });

  test.each(formats.filter((other) => other !== format))('that is a %s', async (other) => {
    expect(refusal(await pictureOf(other), format)).toMatch(/^it is not an? /);
  });

  test.each([
    ['EXIF', (picture: Sharp) => picture.withExif({ IFD0: { Copyright: 'secret' } })],
    ['all of its metadata', (picture: Sharp) => picture.withMetadata()],
    ['its own EXIF', (picture: Sharp) => picture.keepExif()],
    ['a colour profile', (picture: Sharp) => picture.withIccProfile('p3')],
    ['XMP', (picture: Sharp) => picture.withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/">secret</x:xmpmeta>')],
  ] as const)('with %s', async (_, withMetadata) => {
    const photo = await (await cameraPicture(64, 48, 1)).jpeg().toBuffer();
    refusal(await encoders[format](withMetadata(sharp(photo))).toBuffer(), format);
  });

  test('larger than expected', async () => {
    const bytes = await pictureOf(format);
    const fits = { format, maxWidth: 64, maxHeight: 48 };
    expect(verifyThumbnail(bytes, fits)).toEqual({ width: 64, height: 48 });
    expect(() => verifyThumbnail(bytes, { ...fits, maxWidth: 63 })).toThrow(InvalidThumbnail);
    expect(() => verifyThumbnail(bytes, { ...fits, maxHeight: 47 })).toThrow(InvalidThumbnail);
  });

  test('or accepted, without any other error, whichever of its bytes are changed', async () => {
    const next = nextOf(1);
    const bytes = await encoders[format](noise(24, 16, 4)).toBuffer();
    let refused = 0;
    for (let trial = 0; trial < 4000; trial += 1) {
      const changed = Buffer.from(bytes);
      // Mostly in the first bytes, where the lengths and sizes are.
      const reach = trial % 2 === 0 ? Math.min(400, changed.byteLength) : changed.byteLength;
      for (let change = 0; change <= trial % 3; change += 1) {
        changed[(next() * 256 + next()) % reach] = next() < 128 ? next() : 0xff;
      }
      try {
        const { width, height } = verified(changed, format);
        expect(width * height).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidThumbnail);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(400);
  });
});

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Bytes with some of them put in at a place, or over what is there. */
const inserted = (bytes: Buffer, at: number, added: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at)]);
const overwritten = (bytes: Buffer, at: number, replaced: Buffer | readonly number[]): Buffer => {
  const copy = Buffer.from(bytes);
  copy.set(replaced, at);
  return copy;
};

describe('a WebP is refused', () => {
  const chunk = (name: string, data: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(data.byteLength);
    return Buffer.concat([Buffer.from(name), length, data, Buffer.alloc(data.byteLength % 2)]);
  };
  const file = (...chunks: readonly Buffer[]): Buffer =>
    chunk('RIFF', Buffer.concat([Buffer.from('WEBP'), ...chunks]));
  /** The chunks of a file, by their names. */
  const chunksOf = (bytes: Buffer): ReadonlyMap<string, Buffer> => {
    const chunks = new Map<string, Buffer>();
    for (let at = 12; at < bytes.byteLength; ) {
      const length = bytes.readUInt32LE(at + 4);
      chunks.set(bytes.toString('latin1', at, at + 4), bytes.subarray(at + 8, at + 8 + length));
      at += 8 + length + (length % 2);
    }
    return chunks;
  };
  let lossy: Buffer;
  let alpha: Buffer;
  let extended: Buffer;

  beforeAll(async () => {
    const chunks = chunksOf(await pictureOf('webp'));
    lossy = chunks.get('VP8 ') ?? Buffer.alloc(0);
    alpha = chunks.get('ALPH') ?? Buffer.alloc(0);
    extended = chunks.get('VP8X') ?? Buffer.alloc(0);
    expect(
      verified(file(chunk('VP8X', extended), chunk('ALPH', alpha), chunk('VP8 ', lossy)), 'webp'),
    ).toEqual({
      width: 64,
      height: 48,
    });
  });

  test.each(['EXIF', 'XMP ', 'ICCP', 'ANIM', 'ANMF', 'JUNK'])('with a chunk %s, wherever it is', (name) => {
    const parts = [chunk('VP8X', extended), chunk('ALPH', alpha), chunk('VP8 ', lossy)];
    const hidden = chunk(name, Buffer.from('secret'));
    for (let at = 0; at <= parts.length; at += 1) {
      const chunks = [...parts.slice(0, at), hidden, ...parts.slice(at)];
      expect(refusal(file(...chunks), 'webp')).toMatch(/chunks/);
    }
    expect(refusal(file(chunk('VP8 ', lossy), hidden), 'webp')).toContain(`VP8 ,${name}`);
  });

  test('with two pictures', () => {
    expect(refusal(file(chunk('VP8 ', lossy), chunk('VP8 ', lossy)), 'webp')).toBe(
      'its chunks are VP8 ,VP8 ',
    );
  });

  test('that is animated', async () => {
    const frames = await Promise.all([0, 1].map((turn) => plain(8, 8, turn).png().toBuffer()));
    const animation = await sharp(frames, { join: { animated: true } })
      .webp({ loop: 0 })
      .toBuffer();
    expect((await sharp(animation).metadata()).pages).toBe(2);
    expect(refusal(animation, 'webp')).toMatch(/chunks/);
  });

  test('whose header declares another size than that of its picture, or more than alpha', () => {
    const parts = [chunk('ALPH', alpha), chunk('VP8 ', lossy)];
    const wider = overwritten(extended, 4, [99]);
    expect(refusal(file(chunk('VP8X', wider), ...parts), 'webp')).toMatch(/100 x 48 .* 64 x 48/);
    for (const flag of [0x02, 0x04, 0x08, 0x20]) {
      const flagged = overwritten(extended, 0, [0x10 | flag]);
      expect(refusal(file(chunk('VP8X', flagged), ...parts), 'webp')).toMatch(/more than alpha/);
    }
  });

  test('with a secret in the padding or after the alpha data', () => {
    const odd = chunk('ALPH', Buffer.concat([Buffer.from([0]), Buffer.alloc(64 * 48 + 6, 'secret')]));
    const parts = [chunk('VP8X', extended), odd, chunk('VP8 ', lossy)];
    expect(refusal(file(...parts), 'webp')).toBe(`its alpha has ${64 * 48 + 6} bytes`);
    const oddLength = chunk('ALPH', Buffer.concat([alpha, Buffer.alloc(1 - (alpha.byteLength % 2))]));
    const padded = file(
      chunk('VP8X', extended),
      overwritten(oddLength, oddLength.byteLength - 1, [7]),
      chunk('VP8 ', lossy),
    );
    expect(oddLength.byteLength).toBe(8 + oddLength.readUInt32LE(4) + 1);
    expect(refusal(padded, 'webp')).toBe('the byte after its chunk ALPH is not 0');
  });
});

describe('a JPEG is refused', () => {
  const segment = (marker: number, data: string): Buffer => {
    const bytes = Buffer.from(data, 'latin1');
    const length = bytes.byteLength + 2;
    return Buffer.concat([Buffer.from([0xff, marker, length >> 8, length & 0xff]), bytes]);
  };
  const appMarkers = Array.from({ length: 16 }, (_, index) => 0xe0 + index);

  const others = [0xfe, 0xdc, 0xdd, 0xcc, 0xc1, 0xc3, 0x01];

  test.each(
    [...appMarkers, ...others].map((marker) => [marker.toString(16).padStart(2, '0'), marker] as const),
  )('with a segment 0x%s', async (hexMarker, marker) => {
    const bytes = await pictureOf('jpeg');
    const withSegment = inserted(bytes, 2, segment(marker, 'Exif\0\0secret'));
    expect(refusal(withSegment, 'jpeg')).toBe(`it has a segment 0x${hexMarker}`);
    refusal(inserted(bytes, bytes.byteLength - 2, segment(marker, 'secret')), 'jpeg');
  });

  test('with stray markers or a second picture in its coded data', async () => {
    const bytes = await encoders.jpeg(noise(64, 48, 3)).toBuffer();
    for (const stray of [
      [0xff, 0xd0],
      [0xff, 0xd8],
      [0xff, 0xff],
      [0xff, 0xd9],
    ]) {
      refusal(inserted(bytes, bytes.byteLength - 100, Buffer.from(stray)), 'jpeg');
    }
    refusal(inserted(bytes, bytes.byteLength - 2, bytes), 'jpeg');
  });

  test('with a secret after the tables of a segment', async () => {
    const bytes = await pictureOf('jpeg');
    for (const marker of [0xdb, 0xc4, 0xc0, 0xda]) {
      const at = bytes.indexOf(Buffer.from([0xff, marker]));
      expect(at).toBeGreaterThan(0);
      const longer = overwritten(
        inserted(bytes, at + 2 + bytes.readUInt16BE(at + 2), Buffer.from('secret')),
        at + 2,
        [(bytes.readUInt16BE(at + 2) + 6) >> 8, (bytes.readUInt16BE(at + 2) + 6) & 0xff],
      );
      refusal(longer, 'jpeg');
    }
  });

  test('with far more coded data than its pixels need', async () => {
    const bytes = await pictureOf('jpeg');
    const padded = inserted(bytes, bytes.byteLength - 2, Buffer.alloc(100_000, 'secret'));
    expect(refusal(padded, 'jpeg')).toMatch(/^10\d{4} bytes are too many for 64 x 48 pixels$/);
  });
});

describe('a PNG is refused', () => {
  const chunk = (name: string, data: Buffer): Buffer => {
    const content = Buffer.concat([Buffer.from(name), data]);
    return Buffer.concat([uint32(data.byteLength), content, uint32(crc32(content))]);
  };

  test.each([
    'tEXt',
    'zTXt',
    'iTXt',
    'eXIf',
    'iCCP',
    'tIME',
    'acTL',
    'fdAT',
    'gAMA',
    'cHRM',
    'sRGB',
    'bKGD',
    'prVt',
  ])('with a chunk %s, wherever it is', async (name) => {
    const bytes = await pictureOf('png');
    const hidden = chunk(name, Buffer.from('Comment\0secret'));
    for (const at of [33, bytes.byteLength - 12]) {
      expect(refusal(inserted(bytes, at, hidden), 'png')).toBe(`it has a chunk ${name}`);
    }
  });

  test('with a wrong checksum', async () => {
    const bytes = await pictureOf('png');
    const at = bytes.indexOf('IDAT');
    const changed = overwritten(bytes, at + 8, [(bytes[at + 8] ?? 0) ^ 1]);
    expect(refusal(changed, 'png')).toBe('the checksum of a chunk is wrong');
  });

  test('with a resolution, which could hide data', async () => {
    const bytes = await encoders
      .png(plain(64, 48, 1))
      .withMetadata({ density: 300 })
      .toBuffer();
    refusal(bytes, 'png');
    const at = (await pictureOf('png')).indexOf('pHYs') - 4;
    const own = chunk('pHYs', Buffer.from('secretary'));
    const before = await pictureOf('png');
    const replaced = Buffer.concat([before.subarray(0, at), own, before.subarray(at + own.byteLength)]);
    expect(refusal(replaced, 'png')).toBe('it has a resolution of its own');
  });

  test('with two headers, two pictures, or a palette that it does not use', async () => {
    const bytes = await pictureOf('png');
    const header = bytes.subarray(8, 33);
    refusal(inserted(bytes, 33, header), 'png');
    const palette = chunk('PLTE', Buffer.alloc(768, 'secret'));
    expect(refusal(inserted(bytes, 33, palette), 'png')).toBe('its palette contradicts its colour type');
    const between = inserted(
      bytes,
      bytes.byteLength - 12,
      Buffer.concat([palette, chunk('IDAT', Buffer.from('secret'))]),
    );
    expect(refusal(between, 'png')).toMatch(/^its chunks are IHDR,pHYs,IDAT,PLTE,IDAT,IEND$/);
  });

  test('with 100,000 empty chunks, quickly', async () => {
    const bytes = await pictureOf('png');
    const empty = Buffer.concat(Array.from({ length: 100_000 }, () => chunk('IDAT', Buffer.alloc(0))));
    expect(refusal(inserted(bytes, bytes.byteLength - 12, empty), 'png')).toMatch(/too many/);
  });
});

describe('an AVIF is refused', () => {
  let bytes: Buffer;
  const at = (name: string): number => {
    const found = bytes.indexOf(name);
    expect(found).toBeGreaterThan(0);
    return found;
  };

  beforeAll(async () => {
    bytes = await pictureOf('avif');
  });

  test('whose container declares another size than that of its picture', () => {
    const place = at('ispe') + 8;
    expect(bytes.readUInt32BE(place)).toBe(64);
    const lying = overwritten(bytes, place, uint32(32));
    expect(refusal(lying, 'avif')).toMatch(/32 x 48 .* 64 x 48/);
  });

  test.each(['free', 'skip', 'uuid', 'moov', 'meta'])('with a box %s, wherever it is', (name) => {
    const box = Buffer.concat([uint32(14), Buffer.from(name), Buffer.from('secret')]);
    for (const place of [0, at('meta') - 4, at('mdat') - 4, bytes.byteLength]) {
      refusal(inserted(bytes, place, box), 'avif');
    }
    const within = inserted(bytes, at('meta') + 8, box);
    expect(
      refusal(overwritten(within, at('meta') - 4, uint32(bytes.readUInt32BE(at('meta') - 4) + 14)), 'avif'),
    ).toMatch(/it has|a picture begins/);
  });

  test('with an item that is not a picture, such as EXIF or XMP', () => {
    for (const type of ['Exif', 'mime', 'uri ', 'hvc1', 'grid']) {
      const place = bytes.indexOf('av01', at('infe'));
      expect(refusal(overwritten(bytes, place, Buffer.from(type)), 'avif')).toBe('its item 1 is no picture');
    }
  });

  test('with bytes between its pictures', () => {
    const mdat = at('mdat') - 4;
    const longer = overwritten(bytes, mdat, uint32(bytes.readUInt32BE(mdat) + 6));
    expect(refusal(Buffer.concat([longer, Buffer.from('secret')]), 'avif')).toBe(
      '6 bytes follow its pictures',
    );
    const firstBase = at('iloc') + 4 + 8 + 4;
    const later = overwritten(longer, firstBase, uint32(bytes.readUInt32BE(firstBase) + 6));
    const shifted = inserted(later, mdat + 8, Buffer.from('secret'));
    expect(refusal(shifted, 'avif')).toMatch(/^a picture begins at \d+, not at \d+$/);
  });

  test('with metadata or padding among the units of its coded picture', () => {
    const mdat = at('mdat') + 4;
    for (const unit of [0x2a, 0x7a]) {
      expect(refusal(overwritten(bytes, mdat + 2, [unit]), 'avif')).toBe('its coded picture has no header');
    }
  });

  test('with a picture that lies elsewhere in the file', () => {
    const iloc = at('iloc');
    const firstBase = iloc + 4 + 8 + 4;
    expect(bytes.readUInt32BE(firstBase)).toBe(at('mdat') + 4);
    for (const base of [0, 0xffff_ffff, at('meta')]) {
      expect(refusal(overwritten(bytes, firstBase, uint32(base)), 'avif')).toMatch(/^a picture begins/);
    }
  });
});

describe('an animated WebP', () => {
  const animation = { format: 'webp', maxWidth: 320, maxHeight: 320, maxAnimationBytes: 100_000 } as const;
  const chunk = (name: string, ...content: readonly Buffer[]): Buffer => riffChunk(name, ...content);

  /** As the decoder writes it: a whole frame, then a part that changes. */
  const made = async (alpha: number): Promise<Buffer> => {
    const frames = [
      { left: 0, top: 0, width: 40, height: 30, colour: [200, 30, 30, 255] },
      { left: 10, top: 10, width: 20, height: 10, colour: [30, 60, 200, alpha] },
      { left: 38, top: 28, width: 2, height: 2, colour: [30, 160, 60, 255] },
    ] as const;
    const variants = variantsSchema.parse([{ name: 'a', animation: 'keep' }]);
    const image = await webp({ width: 40, height: 30 }, frames);
    const { thumbnails } = await renderImage(image, variants, readSettings({}));
    return Buffer.from(thumbnails[0]?.bytes ?? []);
  };

  const reason = (bytes: Buffer, expected: object = {}): string => {
    try {
      verifyThumbnail(bytes, { ...animation, ...expected });
    } catch (error) {
      if (error instanceof InvalidThumbnail) return error.message;
      throw error;
    }
    throw new Error(`An animation of ${bytes.byteLength} bytes was accepted.`);
  };

  /** The chunks of a file, each with its header. */
  const chunksOf = (bytes: Buffer): readonly Buffer[] => {
    const chunks = [];
    for (let at = 12; at < bytes.byteLength; ) {
      const end = at + 8 + bytes.readUInt32LE(at + 4);
      chunks.push(bytes.subarray(at, end + (end % 2)));
      at = end + (end % 2);
    }
    return chunks;
  };
  const file = (...chunks: readonly Buffer[]): Buffer => chunk('RIFF', Buffer.from('WEBP'), ...chunks);

  test.each([255, 128])('is accepted with alpha %d, where one is expected', async (alpha) => {
    const bytes = await made(alpha);
    expect((await sharp(bytes).metadata()).pages).toBe(3);
    expect(verifyThumbnail(bytes, animation)).toEqual({ width: 40, height: 30 });
    expect(reason(bytes, { maxAnimationBytes: undefined })).toMatch(/chunks/);
    expect(file(...chunksOf(bytes)).equals(bytes)).toBe(true);
  });

  test('is refused if it is too wide, too high or too long', async () => {
    const bytes = await made(255);
    expect(reason(bytes, { maxWidth: 39 })).toMatch(/40 x 30 pixels/);
    expect(reason(bytes, { maxHeight: 29 })).toMatch(/40 x 30 pixels/);
    expect(reason(bytes, { maxAnimationBytes: bytes.byteLength - 1 })).toMatch(/are too many/);
  });

  test('may be a still', async () => {
    expect(verifyThumbnail(await pictureOf('webp'), animation)).toEqual({ width: 64, height: 48 });
  });

  test('is refused empty, or cut off anywhere', async () => {
    const bytes = await made(128);
    for (let length = 0; length < bytes.byteLength; length += 1) {
      expect(reason(bytes.subarray(0, length))).not.toBe('');
    }
  });

  test.each(['EXIF', 'XMP ', 'ICCP', 'VP8L', 'ANIM', 'VP8X', 'JUNK'])(
    'is refused with a chunk %s, wherever it is',
    async (name) => {
      const chunks = chunksOf(await made(255));
      for (let at = 0; at <= chunks.length; at += 1) {
        const hidden = chunk(name, Buffer.from('secret'));
        expect(reason(file(...chunks.slice(0, at), hidden, ...chunks.slice(at)))).not.toBe('');
      }
      const [extended, settings, first, ...others] = chunks;
      if (!(extended && settings && first)) throw new Error('It has no frame.');
      const within = chunk('ANMF', first.subarray(8), chunk(name, Buffer.from('secret')));
      expect(reason(file(extended, settings, within, ...others))).toMatch(/chunks/);
    },
  );

  test('is refused unless its first frame fills the canvas, and the others lie within it', async () => {
    const [extended, settings, first, second, third] = chunksOf(await made(255));
    if (!(extended && settings && first && second && third)) throw new Error('It lacks a frame.');
    expect(reason(file(extended, settings, second, third))).toBe('its first frame does not fill its canvas');
    expect(reason(file(extended, settings, first))).toBe('it has only one frame');
    expect(reason(file(extended, settings))).toMatch(/only one frame/);
    const outside = overwritten(third, 8, [20]);
    expect(reason(file(extended, settings, first, outside))).toBe('its frame 2 is not within its canvas');
    const larger = overwritten(third, 14, [5]);
    expect(reason(file(extended, settings, first, larger))).toMatch(/a frame declares 6 x 2 pixels/);
  });

  test('is refused with flags or a background that the decoder does not write', async () => {
    const [extended, settings, first, second] = chunksOf(await made(255));
    if (!(extended && settings && first && second)) throw new Error('It lacks a frame.');
    for (const flag of [0x00, 0x10, 0x06, 0x0a, 0x22, 0x42]) {
      expect(reason(file(overwritten(extended, 8, [flag]), settings, first, second))).toMatch(
        /more than alpha/,
      );
    }
    expect(reason(file(extended, overwritten(settings, 8, [1]), first, second))).toMatch(/background/);
    for (const options of [0, 1, 3, 0x82]) {
      const changed = overwritten(second, 23, [options]);
      expect(reason(file(extended, settings, first, changed))).toBe('a frame does not replace its area');
    }
  });

  test('is refused with far more bytes in a frame than its pixels need', async () => {
    const [extended, settings, first, second] = chunksOf(await made(255));
    if (!(extended && settings && first && second)) throw new Error('It lacks a frame.');
    const picture = second.subarray(24);
    const length = picture.readUInt32LE(4);
    const padded = chunk(
      picture.toString('latin1', 0, 4),
      picture.subarray(8, 8 + length),
      Buffer.alloc(90_000, 'secret'),
    );
    const longer = chunk('ANMF', second.subarray(8, 24), padded);
    expect(reason(file(extended, settings, first, longer))).toMatch(/are too many for 20 x 10 pixels/);
  });

  test('is refused or accepted, without any other error, whichever of its bytes are changed', async () => {
    const next = nextOf(3);
    const bytes = await made(128);
    for (let trial = 0; trial < 2000; trial += 1) {
      const changed = Buffer.from(bytes);
      changed[(next() * 256 + next()) % changed.byteLength] = next();
      try {
        verifyThumbnail(changed, animation);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidThumbnail);
      }
    }
  });
});

test('a GIF is not a thumbnail of any format', async () => {
  const still = await quarteredPicture(16, 16).gif().toBuffer();
  for (const format of formats) refusal(still, format);
});
