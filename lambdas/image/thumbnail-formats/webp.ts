import { ByteReader, requireThat, type Size } from './bytes.ts';

interface Chunk {
  readonly name: string;
  readonly data: Buffer;
}

/** What libwebp writes for one picture without metadata. "VP8X" and "ALPH" precede a lossy one with alpha. */
const layouts = ['VP8 ', 'VP8L', 'VP8X,ALPH,VP8 '];

/** "WebP Container Specification" (developers.google.com/speed/webp/docs/riff_container); RFC 9649. */
export const webpSize = (bytes: Uint8Array): Size => {
  const chunks = readChunks(openFile(bytes), 3);
  const layout = layoutOf(chunks);
  requireThat(layouts.includes(layout), `its chunks are ${layout}`);
  const size = pictureSize(chunks);
  const extended = contentOf(chunks, 'VP8X');
  if (extended) checkExtended(extended, size, [alphaFlag]);
  return size;
};

/** Whether it claims to have several frames: only then `animatedWebpSize` can accept it. */
export const isAnimatedWebp = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', 30, 34) === 'ANIM';

/**
 * What the decoder's animated-webp.ts writes: the first frame fills the canvas, and each of the others
 * replaces a part of it.
 */
export const animatedWebpSize = (bytes: Uint8Array, maxFrameBytes: (frame: Size) => number): Size => {
  const reader = openFile(bytes);
  const [extended, animation] = [readChunk(reader), readChunk(reader)];
  requireThat(`${extended.name},${animation.name}` === 'VP8X,ANIM', 'it is no animation');
  const canvas = readCanvas(extended.data);
  checkExtended(extended.data, canvas, [animationFlag, animationFlag | alphaFlag]);
  const settings = new ByteReader(animation.data);
  settings.expect([0, 0, 0, 0], 'its background is not transparent');
  settings.take(2);
  settings.expectEnd('its number of plays');
  let frames = 0;
  for (; reader.remaining > 0; frames += 1) {
    const { name, data } = readChunk(reader);
    requireThat(name === 'ANMF', `it has a chunk ${name}`);
    const { left, top, width, height } = readFrame(new ByteReader(data));
    const isInside = left + width <= canvas.width && top + height <= canvas.height;
    requireThat(isInside, `its frame ${frames + 1} is not within its canvas`);
    const isWhole = width === canvas.width && height === canvas.height;
    requireThat(isWhole || frames > 0, 'its first frame does not fill its canvas');
    const isShort = data.byteLength <= maxFrameBytes({ width, height });
    requireThat(isShort, `${data.byteLength} bytes are too many for ${width} x ${height} pixels`);
  }
  requireThat(frames >= 2, 'it has only one frame');
  return canvas;
};

const alphaFlag = 0x10;
const animationFlag = 0x02;

/** Its area is replaced, and stays. */
const replaceFlag = 0b10;

const readFrame = (reader: ByteReader): Size & { readonly left: number; readonly top: number } => {
  const [left, top] = [reader.uintLittleEndian(3) * 2, reader.uintLittleEndian(3) * 2];
  const [width, height] = [reader.uintLittleEndian(3) + 1, reader.uintLittleEndian(3) + 1];
  // How long it is shown.
  reader.take(3);
  reader.expect([replaceFlag], 'a frame does not replace its area');
  const chunks = readChunks(reader, 2);
  const layout = layoutOf(chunks);
  requireThat(frameLayouts.includes(layout), `the chunks of a frame are ${layout}`);
  const size = pictureSize(chunks);
  requireThat(
    size.width === width && size.height === height,
    `a frame declares ${width} x ${height} pixels, and its picture has ${size.width} x ${size.height}`,
  );
  return { left, top, width, height };
};

const frameLayouts = ['VP8 ', 'VP8L', 'ALPH,VP8 '];

/** The part of a file within its outermost chunk. */
const openFile = (bytes: Uint8Array): ByteReader => {
  const reader = new ByteReader(bytes);
  reader.expect('RIFF', 'it is not a WebP');
  const length = reader.uintLittleEndian(4);
  requireThat(
    length === reader.remaining,
    `its RIFF size is ${length}, and ${reader.remaining} bytes follow`,
  );
  reader.expect('WEBP', 'it is not a WebP');
  return reader;
};

const readChunks = (reader: ByteReader, atMost: number): readonly Chunk[] => {
  const chunks: Chunk[] = [];
  while (reader.remaining > 0) {
    requireThat(chunks.length < atMost, `it has more than ${atMost} chunks`);
    chunks.push(readChunk(reader));
  }
  return chunks;
};

const layoutOf = (chunks: readonly Chunk[]): string => chunks.map(({ name }) => name).join();

const contentOf = (chunks: readonly Chunk[], wanted: string): Buffer | undefined =>
  chunks.find(({ name }) => name === wanted)?.data;

/** The size of one picture, lossless, or lossy and perhaps with alpha. */
const pictureSize = (chunks: readonly Chunk[]): Size => {
  const [lossless, lossy, alpha] = ['VP8L', 'VP8 ', 'ALPH'].map((name) => contentOf(chunks, name));
  if (lossless) return losslessSize(lossless);
  requireThat(lossy !== undefined, 'it has no picture');
  const size = lossySize(lossy);
  if (alpha) checkAlpha(alpha, size);
  return size;
};

const readChunk = (reader: ByteReader): Chunk => {
  const name = reader.name();
  const length = reader.uintLittleEndian(4);
  const data = reader.take(length);
  if (length % 2 === 1) reader.expect([0], `the byte after its chunk ${name} is not 0`);
  return { name, data };
};

/** RFC 6386, 9.1: a visible key frame. */
const lossySize = (data: Buffer): Size => {
  const reader = new ByteReader(data);
  const tag = reader.uintLittleEndian(3);
  requireThat((tag & 0b1) === 0 && (tag & 0b10000) !== 0, 'its frame is not a visible key frame');
  reader.expect([0x9d, 0x01, 0x2a], 'its frame has no start code');
  const [width, height] = [reader.uintLittleEndian(2), reader.uintLittleEndian(2)];
  const firstPartitionBytes = tag >>> 5;
  requireThat(firstPartitionBytes < reader.remaining, 'its frame ends too early');
  // The two highest bits ask for upscaling.
  requireThat(width >>> 14 === 0 && height >>> 14 === 0, 'its frame asks for upscaling');
  return { width, height };
};

/** RFC 9649, 3.4. */
const losslessSize = (data: Buffer): Size => {
  const reader = new ByteReader(data);
  reader.expect([0x2f], 'its lossless picture has no signature');
  const header = reader.uintLittleEndian(4);
  requireThat(header >>> 29 === 0, 'its lossless picture has an unknown version');
  requireThat(reader.remaining > 0, 'its lossless picture is empty');
  return { width: (header & 0x3fff) + 1, height: ((header >>> 14) & 0x3fff) + 1 };
};

/** Other flags mean a colour profile, EXIF or XMP. */
const checkExtended = (data: Buffer, { width, height }: Size, flags: readonly number[]): void => {
  const reader = new ByteReader(data);
  requireThat(flags.includes(reader.uint(1)), 'its header declares more than alpha');
  reader.expect([0, 0, 0], 'its header declares more than alpha');
  const canvas = readCanvas(data);
  reader.take(6);
  reader.expectEnd('its header');
  requireThat(
    canvas.width === width && canvas.height === height,
    `its header declares ${canvas.width} x ${canvas.height} pixels, and its picture has ${width} x ${height}`,
  );
};

const readCanvas = (data: Buffer): Size => {
  const reader = new ByteReader(data);
  reader.take(4);
  return { width: reader.uintLittleEndian(3) + 1, height: reader.uintLittleEndian(3) + 1 };
};

const checkAlpha = (data: Buffer, { width, height }: Size): void => {
  const reader = new ByteReader(data);
  const header = reader.uint(1);
  const compression = header & 0b11;
  requireThat(header >>> 6 === 0 && compression <= 1, 'its alpha has an unknown header');
  requireThat(
    compression === 1 ? reader.remaining > 0 : reader.remaining === width * height,
    `its alpha has ${reader.remaining} bytes`,
  );
};
