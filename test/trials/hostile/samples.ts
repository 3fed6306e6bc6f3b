import { deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { cameraPicture, quarteredPicture } from '../../images.ts';
import { createRandom } from '../random.ts';
import { gifParts } from './formats/gif.ts';
import { jpegParts } from './formats/jpeg.ts';
import { pngParts } from './formats/png.ts';
import { compressions, tiffFile } from './formats/tiff.ts';
import { type FormatName, formatNames, type Sample } from './input.ts';
import { latin1, u16be } from './numbers.ts';
import type { Part, PartsFormat } from './parts.ts';

/** A detailed picture, in which no two blocks are the same. Alpha is a gradient, if there is any. */
const busy = (width: number, height: number, channels: 1 | 2 | 3 | 4 = 3): Sharp => {
  const random = createRandom(width * 1000 + height * 10 + channels);
  const pixels = Buffer.alloc(width * height * channels);
  for (let at = 0; at < pixels.length; at += 1) {
    const column = Math.floor(at / channels) % width;
    const row = Math.floor(at / channels / width);
    const wave = 127 + 80 * Math.sin((column * (1 + (at % channels))) / 7) * Math.cos(row / 5);
    pixels[at] = Math.max(0, Math.min(255, wave + random.whole(-20, 20)));
  }
  return sharp(pixels, { raw: { width, height, channels } });
};

/** Metadata that must not be in a thumbnail. Each contains a marker, for which the bytes are searched. */
export const metadataMarker = 'SECRET-PLACE';

const xmp = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:creator="${metadataMarker}"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`;

const withMetadata = (picture: Sharp): Sharp =>
  picture
    .withExif({
      IFD0: { Make: metadataMarker, Copyright: metadataMarker },
      IFD3: {
        GPSLatitudeRef: 'N',
        GPSLatitude: '51/1 30/1 0/1',
        GPSLongitudeRef: 'E',
        GPSLongitude: '0/1 7/1 0/1',
      },
    })
    .withXmp(xmp)
    .withIccProfile('p3');

/** An IPTC-IIM record with a caption, in Photoshop's wrapping. */
const iptc = Buffer.concat([
  latin1('Photoshop 3.0\0' + '8BIM\x04\x04\0\0\0\0\0'),
  Buffer.from([metadataMarker.length + 5, 0x1c, 2, 120]),
  u16be(metadataMarker.length),
  latin1(metadataMarker),
]);

/** The file with an additional part after the first. */
const withPart = (format: PartsFormat, bytes: Buffer, part: Part): Buffer => {
  const [first, ...rest] = format.split(bytes);
  return format.join(first === undefined ? [part] : [first, part, ...rest]);
};

const animation = async (format: 'gif' | 'webp', frames: number): Promise<Buffer> => {
  const pictures = await Promise.all(
    Array.from({ length: frames }, (_, index) =>
      busy(24 + 4 * frames, 40)
        .modulate({ hue: index * 40 })
        .png()
        .toBuffer(),
    ),
  );
  const joined = sharp(pictures, { join: { animated: true } });
  return format === 'gif'
    ? joined.gif({ delay: 50, loop: 0 }).toBuffer()
    : joined.webp({ delay: 50, loop: 0 }).toBuffer();
};

const floats = (width: number, height: number): Buffer => {
  const samples = Float32Array.from({ length: width * height * 3 }, (_, at) => (at % 97) / 97);
  return Buffer.from(samples.buffer);
};

/** Pages, each of one deflated strip of bytes or 32-bit floats. */
const handMadeTiff = (pages: number, isFloat: boolean): Buffer => {
  const [width, height] = [33, 21];
  const pixels = isFloat ? floats(width, height) : createRandom(7).bytes(width * height * 3);
  const strip = deflateSync(pixels);
  const bits = isFloat ? 32 : 8;
  return tiffFile(
    Array.from({ length: pages }, () => ({
      fields: {
        width,
        height,
        bitsPerSample: [bits, bits, bits],
        compression: compressions.deflate,
        photometric: 2,
        stripOffsets: 8,
        samplesPerPixel: 3,
        rowsPerStrip: height,
        stripByteCounts: strip.length,
        planes: 1,
        sampleFormat: isFloat ? [3, 3, 3] : [1, 1, 1],
      },
    })),
    strip,
  );
};

const builders: Readonly<Record<FormatName, Readonly<Record<string, () => Promise<Buffer> | Buffer>>>> = {
  jpeg: {
    baseline: () => busy(97, 61).jpeg({ quality: 80 }).toBuffer(),
    progressive: () => busy(120, 80).jpeg({ progressive: true }).toBuffer(),
    'full-chroma': () => busy(64, 64).jpeg({ chromaSubsampling: '4:4:4', quality: 95 }).toBuffer(),
    cmyk: () => busy(50, 70).toColourspace('cmyk').jpeg().toBuffer(),
    grey: () => busy(75, 33, 1).toColourspace('b-w').jpeg().toBuffer(),
    mozjpeg: () => busy(160, 120).jpeg({ mozjpeg: true, quality: 40 }).toBuffer(),
    coarse: () => busy(128, 128).jpeg({ quality: 5 }).toBuffer(),
    'with-metadata': () => withMetadata(busy(80, 60)).jpeg().toBuffer(),
    'turned-by-exif': async () => (await cameraPicture(90, 60, 6)).jpeg().toBuffer(),
    'mirrored-by-exif': async () => (await cameraPicture(60, 90, 7)).jpeg({ progressive: true }).toBuffer(),
    'with-iptc': async () =>
      withPart(jpegParts, await busy(40, 40).jpeg().toBuffer(), { type: 'ed', content: iptc }),
    'with-comment': async () =>
      withPart(jpegParts, await busy(16, 16).jpeg().toBuffer(), {
        type: 'fe',
        content: latin1(metadataMarker),
      }),
    'one-pixel': () => busy(1, 1).jpeg().toBuffer(),
  },
  png: {
    rgb: () => busy(97, 61).png().toBuffer(),
    rgba: () => busy(64, 48, 4).png().toBuffer(),
    grey: () => busy(50, 50, 1).toColourspace('b-w').png().toBuffer(),
    'grey-alpha': () => busy(41, 43, 2).toColourspace('b-w').png().toBuffer(),
    'sixteen-bits': () => busy(40, 30).toColourspace('rgb16').png().toBuffer(),
    'sixteen-bits-alpha': () => busy(30, 40, 4).toColourspace('rgb16').png().toBuffer(),
    palette: () => busy(90, 70).png({ palette: true, colours: 64 }).toBuffer(),
    'two-colours': () => busy(100, 100).threshold().png({ palette: true, colours: 2 }).toBuffer(),
    interlaced: () => busy(90, 60).png({ progressive: true }).toBuffer(),
    'interlaced-alpha': () => busy(33, 77, 4).png({ progressive: true }).toBuffer(),
    stored: () => busy(20, 20).png({ compressionLevel: 0 }).toBuffer(),
    'with-metadata': () => withMetadata(busy(60, 40)).png().toBuffer(),
    'turned-by-exif': async () => (await cameraPicture(60, 90, 3)).png().toBuffer(),
    'with-comment': async () =>
      withPart(pngParts, await busy(16, 16).png().toBuffer(), {
        type: 'tEXt',
        content: latin1(`Comment\0${metadataMarker}`),
      }),
    'with-compressed-comment': async () =>
      withPart(pngParts, await busy(18, 16).png().toBuffer(), {
        type: 'zTXt',
        content: Buffer.concat([latin1('Comment\0\0'), deflateSync(metadataMarker)]),
      }),
  },
  webp: {
    lossy: () => busy(97, 61).webp({ effort: 2 }).toBuffer(),
    lossless: () => busy(48, 48).webp({ lossless: true, effort: 1 }).toBuffer(),
    'near-lossless': () => busy(64, 40).webp({ nearLossless: true, quality: 50 }).toBuffer(),
    alpha: () => busy(64, 48, 4).webp().toBuffer(),
    'alpha-lossless': () => busy(40, 40, 4).webp({ lossless: true }).toBuffer(),
    flat: () => quarteredPicture(16, 16).webp({ lossless: true }).toBuffer(),
    'with-metadata': () => withMetadata(busy(60, 40)).webp().toBuffer(),
    'turned-by-exif': async () => (await cameraPicture(60, 90, 8)).webp().toBuffer(),
    animated: () => animation('webp', 4),
    'animated-long': () => animation('webp', 12),
  },
  gif: {
    still: () => busy(97, 61).gif().toBuffer(),
    'few-colours': () => busy(60, 60).gif({ colours: 4 }).toBuffer(),
    interlaced: () => busy(64, 50).gif({ progressive: true }).toBuffer(),
    transparent: () => busy(40, 40, 4).gif().toBuffer(),
    animated: () => animation('gif', 4),
    'animated-long': () => animation('gif', 12),
    'with-comment': async () => {
      const comment = Buffer.concat([
        Buffer.from([0x21, 0xfe, metadataMarker.length]),
        latin1(metadataMarker),
        Buffer.from([0]),
      ]);
      return withPart(gifParts, await busy(20, 20).gif().toBuffer(), { type: 'extension', content: comment });
    },
  },
  avif: {
    subsampled: () => busy(97, 61).avif({ effort: 0, chromaSubsampling: '4:2:0' }).toBuffer(),
    'full-chroma': () => busy(64, 64).avif({ effort: 0, chromaSubsampling: '4:4:4' }).toBuffer(),
    alpha: () => busy(48, 48, 4).avif({ effort: 0 }).toBuffer(),
    lossless: () => busy(40, 30).avif({ effort: 0, lossless: true }).toBuffer(),
    grey: () => busy(40, 40, 1).toColourspace('b-w').avif({ effort: 0 }).toBuffer(),
    'with-metadata': () => withMetadata(busy(60, 40)).avif({ effort: 0 }).toBuffer(),
    'turned-by-exif': async () => (await cameraPicture(60, 90, 6)).avif({ effort: 0 }).toBuffer(),
    large: () => busy(200, 160).avif({ effort: 0, quality: 30 }).toBuffer(),
  },
  tiff: {
    strips: () => busy(97, 61).tiff({ compression: 'none' }).toBuffer(),
    tiles: () =>
      busy(90, 70).tiff({ compression: 'none', tile: true, tileWidth: 32, tileHeight: 32 }).toBuffer(),
    lzw: () => busy(60, 50).tiff({ compression: 'lzw', predictor: 'horizontal' }).toBuffer(),
    deflate: () => busy(60, 50).tiff({ compression: 'deflate' }).toBuffer(),
    'deflate-tiles': () =>
      busy(100, 70, 4).tiff({ compression: 'deflate', tile: true, tileWidth: 16, tileHeight: 48 }).toBuffer(),
    packbits: () => quarteredPicture(40, 40).tiff({ compression: 'packbits' }).toBuffer(),
    jpeg: () => busy(80, 60).tiff({ compression: 'jpeg' }).toBuffer(),
    'jpeg-tiles': () =>
      busy(80, 60).tiff({ compression: 'jpeg', tile: true, tileWidth: 64, tileHeight: 64 }).toBuffer(),
    fax: () =>
      busy(80, 60, 1).toColourspace('b-w').tiff({ compression: 'ccittfax4', bitdepth: 1 }).toBuffer(),
    'two-colours': () =>
      busy(80, 60, 1).toColourspace('b-w').tiff({ bitdepth: 1, compression: 'none' }).toBuffer(),
    'sixteen-bits': () => busy(40, 40).toColourspace('rgb16').tiff({ compression: 'none' }).toBuffer(),
    cmyk: () => busy(40, 40).toColourspace('cmyk').tiff({ compression: 'lzw' }).toBuffer(),
    pyramid: () =>
      busy(200, 160)
        .tiff({ pyramid: true, tile: true, tileWidth: 64, tileHeight: 64, compression: 'deflate' })
        .toBuffer(),
    big: () => busy(50, 40).tiff({ bigtiff: true, compression: 'deflate' }).toBuffer(),
    'with-metadata': () => withMetadata(busy(60, 40)).tiff({ compression: 'lzw' }).toBuffer(),
    'turned-by-exif': async () => (await cameraPicture(60, 90, 5)).tiff({ compression: 'lzw' }).toBuffer(),
    float: () => handMadeTiff(1, true),
    pages: () => handMadeTiff(5, false),
  },
};

/** All samples with the formats in turns, so that a few in a row have all formats. */
const build = async (): Promise<readonly Sample[]> => {
  const all = formatNames.flatMap((format) => {
    const named = Object.entries(builders[format]);
    return named.map(([name, make], turn) => ({ format, name, make, place: (turn + 0.5) / named.length }));
  });
  const samples: Sample[] = [];
  for (const { format, name, make } of all.toSorted((one, other) => one.place - other.place)) {
    samples.push({ name: `${format}-${name}`, format, bytes: await make() });
  }
  return samples;
};

let built: Promise<readonly Sample[]> | undefined;

/** Every sample, always in the same order. */
export const buildSamples = (): Promise<readonly Sample[]> => {
  built ??= build();
  return built;
};
