import { crc32 } from 'node:zlib';
import { ByteReader, requireThat, type Size } from './bytes.ts';

const signature = '\x89PNG\r\n\x1a\n';

/** The chunks that libpng writes for a picture without metadata, in their order. */
const layout = /^IHDR(?:,PLTE(?:,tRNS)?)?(?:,pHYs)?,IDAT,IEND$/;

/** What libvips writes for pixels without a resolution: 1000 pixels per metre. */
const defaultResolution = Buffer.from([0, 0, 3, 0xe8, 0, 0, 3, 0xe8, 1]);

const colourTypes = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgba: 6 } as const;

interface Header extends Size {
  readonly hasPalette: boolean;
}

/** "Portable Network Graphics (PNG) Specification" (w3.org/TR/png). */
export const pngSize = (bytes: Uint8Array): Size => {
  const reader = new ByteReader(bytes);
  reader.expect(signature, 'it is not a PNG');
  /** Names of the chunks so far. Consecutive IDAT chunks count as one. */
  const names: string[] = [];
  let header: Header | undefined;
  let paletteColours = 0;
  let pictureBytes = 0;
  while (names.at(-1) !== 'IEND') {
    requireThat(names.length < 6, `its chunks are ${names.join()} and more`);
    const { name, data } = readChunk(reader);
    switch (name) {
      case 'IHDR':
        header = readHeader(data);
        break;
      case 'PLTE':
        paletteColours = data.byteLength / 3;
        requireThat(Number.isInteger(paletteColours), 'its palette has part of a colour');
        requireThat(
          paletteColours >= 1 && paletteColours <= 256,
          `its palette has ${paletteColours} colours`,
        );
        break;
      case 'tRNS':
        requireThat(data.byteLength <= paletteColours, 'its palette has more alphas than colours');
        break;
      case 'pHYs':
        requireThat(data.equals(defaultResolution), 'it has a resolution of its own');
        break;
      case 'IDAT':
        pictureBytes += data.byteLength;
        break;
      case 'IEND':
        requireThat(data.byteLength === 0, 'its last chunk is not empty');
        break;
      default:
        requireThat(false, `it has a chunk ${name}`);
    }
    if (name !== 'IDAT' || names.at(-1) !== 'IDAT') names.push(name);
  }
  reader.expectEnd('its end');
  requireThat(layout.test(names.join()) && header !== undefined, `its chunks are ${names.join()}`);
  requireThat(header.hasPalette === names.includes('PLTE'), 'its palette contradicts its colour type');
  requireThat(pictureBytes > 0, 'its picture is empty');
  return { width: header.width, height: header.height };
};

const readChunk = (reader: ByteReader): { readonly name: string; readonly data: Buffer } => {
  const length = reader.uint(4);
  const checked = reader.take(4 + length);
  requireThat(reader.uint(4) === crc32(checked), 'the checksum of a chunk is wrong');
  const chunk = new ByteReader(checked);
  return { name: chunk.name(), data: chunk.take(length) };
};

const readHeader = (data: Buffer): Header => {
  const header = new ByteReader(data);
  const [width, height, depth, colourType] = [header.uint(4), header.uint(4), header.uint(1), header.uint(1)];
  const hasPalette = colourType === colourTypes.palette;
  requireThat(
    Object.values(colourTypes).some((known) => known === colourType),
    `its colour type is ${colourType}`,
  );
  requireThat(depth === 8 || (hasPalette && [1, 2, 4].includes(depth)), `it has ${depth} bits per sample`);
  header.expect([0, 0, 0], 'its compression, filter or interlace method is not the default');
  header.expectEnd('its header');
  return { width, height, hasPalette };
};
