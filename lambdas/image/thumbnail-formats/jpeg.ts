import { ByteReader, requireThat, type Size } from './bytes.ts';

/** The markers that libjpeg writes for a picture without metadata: no APPn segments and no comments. */
const markers = {
  baselineFrame: 0xc0,
  progressiveFrame: 0xc2,
  huffmanTables: 0xc4,
  start: 0xd8,
  end: 0xd9,
  scan: 0xda,
  quantizationTables: 0xdb,
} as const;

interface Frame extends Size {
  readonly components: number;
  readonly isProgressive: boolean;
}

/** ITU-T T.81, annex B. */
export const jpegSize = (bytes: Uint8Array): Size => {
  const reader = new ByteReader(bytes);
  reader.expect([0xff, markers.start], 'it is not a JPEG');
  let frame: Frame | undefined;
  let scans = 0;
  for (;;) {
    reader.expect([0xff], 'it has bytes between its segments');
    const marker = reader.uint(1);
    if (marker === markers.end) break;
    const segment = readSegment(reader);
    switch (marker) {
      case markers.quantizationTables:
        checkQuantizationTables(segment);
        break;
      case markers.huffmanTables:
        checkHuffmanTables(segment);
        break;
      case markers.baselineFrame:
      case markers.progressiveFrame:
        requireThat(frame === undefined, 'it has more than one frame');
        frame = readFrame(segment, marker === markers.progressiveFrame);
        break;
      case markers.scan:
        requireThat(frame !== undefined, 'it has a scan without a frame');
        requireThat(scans === 0 || frame.isProgressive, 'it has more than one scan');
        checkScan(segment, frame);
        skipCodedData(reader);
        scans += 1;
        break;
      default:
        requireThat(false, `it has a segment 0x${marker.toString(16).padStart(2, '0')}`);
    }
  }
  reader.expectEnd('its end');
  requireThat(frame !== undefined && scans > 0, 'it has no picture');
  return { width: frame.width, height: frame.height };
};

const readSegment = (reader: ByteReader): ByteReader => {
  const length = reader.uint(2);
  requireThat(length >= 2, 'it has a segment without a length');
  return new ByteReader(reader.take(length - 2));
};

const readFrame = (segment: ByteReader, isProgressive: boolean): Frame => {
  requireThat(segment.uint(1) === 8, 'its samples do not have 8 bits');
  const [height, width] = [segment.uint(2), segment.uint(2)];
  const components = segment.uint(1);
  requireThat(components === 1 || components === 3, `it has ${components} components`);
  segment.take(3 * components);
  segment.expectEnd('its frame header');
  return { width, height, components, isProgressive };
};

const checkQuantizationTables = (segment: ByteReader): void => {
  do {
    requireThat(segment.uint(1) <= 3, 'it has an unknown quantization table');
    segment.take(64);
  } while (segment.remaining > 0);
};

const checkHuffmanTables = (segment: ByteReader): void => {
  do {
    requireThat((segment.uint(1) & 0b1110_1100) === 0, 'it has an unknown Huffman table');
    const codes = segment.take(16).reduce((sum, count) => sum + count, 0);
    requireThat(codes <= 256, `a Huffman table has ${codes} codes`);
    segment.take(codes);
  } while (segment.remaining > 0);
};

const checkScan = (segment: ByteReader, frame: Frame): void => {
  const components = segment.uint(1);
  const isPossible = components >= 1 && components <= frame.components;
  requireThat(isPossible, `a scan has ${components} components`);
  requireThat(frame.isProgressive || components === frame.components, 'its scan leaves components out');
  segment.take(2 * components + 3);
  segment.expectEnd('a scan header');
};

/** Skips the entropy-coded data, in which 0 follows each 0xff, up to the next marker. */
const skipCodedData = (reader: ByteReader): void => {
  let count = 0;
  for (;;) {
    const plain = reader.countBefore(0xff);
    reader.take(plain);
    count += plain;
    if (reader.peek(1) !== 0) break;
    reader.take(2);
    count += 1;
  }
  requireThat(count > 0, 'a scan is empty');
};
