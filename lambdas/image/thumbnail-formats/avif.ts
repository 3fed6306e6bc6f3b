import { ByteReader, InvalidThumbnail, requireThat, type Size } from './bytes.ts';

/**
 * "AV1 Image File Format (AVIF)" (aomediacodec.github.io/av1-avif), ISO/IEC 14496-12 and 23008-12: what
 * libheif writes for one picture without metadata, or with a second picture as its alpha.
 */
export const avifSize = (bytes: Uint8Array): Size => {
  const reader = new ByteReader(bytes);
  checkFileType(reader);
  const meta = readBox(reader);
  requireThat(meta.name === 'meta', `its second box is ${meta.name}`);
  const { size, extents } = readMeta(meta.content);
  const pictures = readBox(reader);
  requireThat(pictures.name === 'mdat', `its third box is ${pictures.name}`);
  reader.expectEnd('its pictures');
  // Each picture follows the one before, and every byte belongs to one of them.
  for (const { offset, length } of extents) {
    const expected = bytes.byteLength - pictures.content.remaining;
    requireThat(offset === expected, `a picture begins at ${offset}, not at ${expected}`);
    checkCodedPicture(pictures.content.take(length), size);
  }
  pictures.content.expectEnd('its pictures');
  return size;
};

interface Box {
  readonly name: string;
  readonly content: ByteReader;
}

const readBox = (reader: ByteReader): Box => {
  const length = reader.uint(4);
  const name = reader.name();
  // 0 and 1 mean that the length is elsewhere.
  requireThat(length >= 8, `its box ${name} has no length of its own`);
  return { name, content: new ByteReader(reader.take(length - 8)) };
};

/** The box begins with a version and flags. */
const expectVersion = ({ name, content }: Box, version: number): void =>
  content.expect([version, 0, 0, 0], `its box ${name} has an unknown version`);

const brands = ['avif', 'mif1', 'miaf'];

/** A box of 28 bytes, with three brands. */
const checkFileType = (reader: ByteReader): void => {
  reader.expect('\0\0\0\x1cftypavif\0\0\0\0', 'it is not an AVIF');
  for (let count = 0; count < 3; count += 1) {
    const brand = reader.name();
    requireThat(brands.includes(brand), `it claims the brand ${brand}`);
  }
};

interface Extent {
  readonly item: number;
  readonly offset: number;
  readonly length: number;
}

/** Reads each box within "meta" once. */
const readMeta = (content: ByteReader): { readonly size: Size; readonly extents: readonly Extent[] } => {
  content.expect([0, 0, 0, 0], 'its box meta has an unknown version');
  const boxes = new Map<string, Box>();
  while (content.remaining > 0) {
    const box = readBox(content);
    requireThat(!boxes.has(box.name), `it has two boxes ${box.name}`);
    boxes.set(box.name, box);
  }
  const take = (name: string): Box => {
    const box = boxes.get(name);
    if (box === undefined) throw new InvalidThumbnail(`it has no box ${name}`);
    boxes.delete(name);
    return box;
  };
  checkHandler(take('hdlr'));
  checkPrimaryItem(take('pitm'));
  const items = readItems(take('iinf'));
  const extents = readLocations(take('iloc'), items);
  const size = readProperties(take('iprp'), items);
  if (items === 2) checkReferences(take('iref'));
  const [unknown] = boxes.keys();
  requireThat(unknown === undefined, `it has a box ${unknown}`);
  return { size, extents };
};

/** Pictures, without a name. */
const checkHandler = (box: Box): void => {
  expectVersion(box, 0);
  box.content.expect(`\0\0\0\0pict${'\0'.repeat(13)}`, 'its box hdlr is not that of pictures');
  box.content.expectEnd('its box hdlr');
};

const checkPrimaryItem = (box: Box): void => {
  expectVersion(box, 0);
  box.content.expect([0, 1], 'its first item is not the picture');
  box.content.expectEnd('its box pitm');
};

/** The picture, and perhaps its alpha. EXIF and XMP would be items as well. @returns the number of items */
const readItems = (box: Box): number => {
  expectVersion(box, 0);
  const count = box.content.uint(2);
  requireThat(count === 1 || count === 2, `it has ${count} items`);
  for (let item = 1; item <= count; item += 1) {
    const entry = readBox(box.content);
    requireThat(entry.name === 'infe', `its list of items holds a box ${entry.name}`);
    // Version 2, no flag, id, no protection, type, empty name.
    entry.content.expect(
      `\x02\0\0\0\0${String.fromCharCode(item)}\0\0av01\0`,
      `its item ${item} is no picture`,
    );
    entry.content.expectEnd(`its item ${item}`);
  }
  box.content.expectEnd('its list of items');
  return count;
};

const readLocations = (box: Box, items: number): readonly Extent[] => {
  expectVersion(box, 0);
  // Offsets, lengths and base offsets have four bytes.
  box.content.expect([0x44, 0x40, 0, items], 'its box iloc differs from that of libheif');
  const extents = Array.from({ length: items }, (_, index) => {
    const item = index + 1;
    // Id, in this file, base offset, one extent.
    box.content.expect([0, item, 0, 0], `its box iloc does not locate item ${item}`);
    const base = box.content.uint(4);
    box.content.expect([0, 1], `item ${item} is in several places`);
    return { item, offset: base + box.content.uint(4), length: box.content.uint(4) };
  });
  box.content.expectEnd('its box iloc');
  return extents;
};

const alphaType = 'urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0';

/** How the pictures are coded, their size, and which one is alpha. @returns the size of all of them */
const readProperties = (box: Box, items: number): Size => {
  const container = readBox(box.content);
  requireThat(container.name === 'ipco', `its properties begin with a box ${container.name}`);
  let size: Size | undefined;
  let properties = 0;
  while (container.content.remaining > 0) {
    const property = readBox(container.content);
    properties += 1;
    switch (property.name) {
      case 'ispe': {
        requireThat(size === undefined, 'it has more than one size');
        expectVersion(property, 0);
        size = { width: property.content.uint(4), height: property.content.uint(4) };
        break;
      }
      case 'av1C':
        property.content.take(4);
        break;
      case 'pixi': {
        expectVersion(property, 0);
        const channels = property.content.uint(1);
        for (const bits of property.content.take(channels))
          requireThat(bits === 8, 'it does not have 8 bits');
        break;
      }
      case 'colr':
        // A colour profile would be "prof" or "rICC".
        property.content.expect('nclx', 'it has a colour profile');
        property.content.take(7);
        break;
      case 'auxC':
        expectVersion(property, 0);
        property.content.expect(alphaType, 'its second item is no alpha');
        break;
      default:
        requireThat(false, `it has a property ${property.name}`);
    }
    property.content.expectEnd(`its property ${property.name}`);
  }
  requireThat(size !== undefined, 'it has no size');
  checkAssociations(readBox(box.content), items, properties);
  box.content.expectEnd('its properties');
  return size;
};

const checkAssociations = (box: Box, items: number, properties: number): void => {
  requireThat(box.name === 'ipma', `its properties are followed by a box ${box.name}`);
  expectVersion(box, 0);
  requireThat(box.content.uint(4) === items, 'some item has no properties');
  for (let item = 1; item <= items; item += 1) {
    box.content.expect([0, item], `item ${item} has no properties`);
    for (const association of box.content.take(box.content.uint(1))) {
      const property = association & 0x7f;
      requireThat(property >= 1 && property <= properties, `item ${item} has an unknown property`);
    }
  }
  box.content.expectEnd('its box ipma');
};

/** Item 2 is auxiliary to item 1. */
const checkReferences = (box: Box): void => {
  expectVersion(box, 0);
  const reference = readBox(box.content);
  requireThat(reference.name === 'auxl', `it has a reference ${reference.name}`);
  reference.content.expect([0, 2, 0, 1, 0, 1], 'its second item is not the alpha of the first');
  reference.content.expectEnd('its reference');
  box.content.expectEnd('its references');
};

/** Those of libaom have 4 to 10. */
const maxSequenceHeaderBytes = 16;

/**
 * "AV1 Bitstream & Decoding Process Specification", 5.3 and 5.5: an empty delimiter, the header of a still
 * picture and one frame. Metadata and padding would be further units.
 */
const checkCodedPicture = (bytes: Buffer, { width, height }: Size): void => {
  const reader = new ByteReader(bytes);
  reader.expect([0x12, 0], 'its coded picture has no delimiter');
  reader.expect([0x0a], 'its coded picture has no header');
  const headerBytes = readLength(reader);
  requireThat(
    headerBytes <= maxSequenceHeaderBytes,
    `the header of its coded picture has ${headerBytes} bytes`,
  );
  const header = reader.take(headerBytes);
  reader.expect([0x32], 'its coded picture has no frame');
  const frameBytes = readLength(reader);
  requireThat(frameBytes > 0, 'its frame is empty');
  reader.take(frameBytes);
  reader.expectEnd('its frame');
  const coded = codedSize(header);
  requireThat(
    coded.width === width && coded.height === height,
    `its container declares ${width} x ${height} pixels, and its picture has ${coded.width} x ${coded.height}`,
  );
};

/** A number in groups of seven bits, the lowest first. */
const readLength = (reader: ByteReader): number => {
  let value = 0;
  for (let factor = 1; factor <= 2 ** 28; factor *= 2 ** 7) {
    const group = reader.uint(1);
    value += (group & 0x7f) * factor;
    if (group < 0x80) return value;
  }
  throw new InvalidThumbnail('its coded picture has a unit without an end');
};

const codedSize = (header: Buffer): Size => {
  const bits = [...header].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let position = 0;
  const take = (count: number): number => {
    const digits = bits.slice(position, position + count);
    requireThat(digits.length === count, 'the header of its coded picture ends too early');
    position += count;
    return Number.parseInt(digits, 2);
  };
  // The profile, then two bits: a still picture, with the short header of one.
  take(3);
  requireThat(take(2) === 0b11, 'its coded picture is not still');
  // The level.
  take(5);
  const [widthBits, heightBits] = [take(4) + 1, take(4) + 1];
  return { width: take(widthBits) + 1, height: take(heightBits) + 1 };
};
