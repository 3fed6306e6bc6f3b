import { createRequire } from 'node:module';
import type { MainModule } from 'libheif-js/libheif-wasm/libheif.js';
import type { Size } from '../original.ts';

/*
 * The part of libheif's C interface (libheif/heif.h) that decoding needs, with its pointers hidden. It is
 * WebAssembly with a memory of its own, which grows and never shrinks. Whatever it returns is checked: a
 * hostile file may have confused it.
 */

/** The library refused the file or the picture. */
export class LibheifError extends Error {
  override readonly name = 'LibheifError';
  readonly isUnsupported: boolean;
  readonly isOverLimit: boolean;

  constructor(code: number, subcode: number, message: string) {
    super(message);
    this.isUnsupported = code === errorCodes.unsupportedFiletype || code === errorCodes.unsupportedFeature;
    this.isOverLimit = subcode === securityLimitExceeded;
  }
}

/** `heif_error_code` and `heif_suberror_code`. */
const errorCodes = { unsupportedFiletype: 3, unsupportedFeature: 4 } as const;
const securityLimitExceeded = 1000;

/** `heif_colorspace_RGB`, and `heif_chroma_interleaved_…` in the order of the bytes that we read. */
const colorspaceRgb = 1;
const chromaOf = { 3: { 8: 10, 16: 14 }, 4: { 8: 11, 16: 15 } } as const;
const interleavedChannel = 10;

/** `heif_security_limits`: the offset of `max_items`, and its default, by which the layout is checked. */
const maxItemsOffset = 28;
const defaultMaxItems = 1000;
const maxItems = 65_535;

const maxMessageCharacters = 200;

/** One decoded picture, or tile of one: red, green, blue, and alpha if asked for, row by row. */
export interface DecodedTile extends Size {
  readonly samples: Uint8Array | Uint16Array;
  /** Samples from one row to the next. */
  readonly stride: number;
  /** Bits of a sample. */
  readonly depth: number;
}

export interface DecodeOptions {
  readonly channels: 3 | 4;
  /** Whether to keep more than 8 bits. */
  readonly isDeep: boolean;
}

/** Tiles of equal size; a picture without tiles is one. */
export interface Tiling {
  readonly columns: number;
  readonly rows: number;
  readonly tile: Size;
  readonly picture: Size;
}

/** A still picture of a file. Cropping, rotation and mirroring are not applied. */
export interface LibheifPicture {
  readonly tiling: Tiling;
  /**
   * Decodes one tile. The samples are valid until `use` returns.
   *
   * @throws LibheifError
   */
  withTile<Result>(
    column: number,
    row: number,
    options: DecodeOptions,
    use: (tile: DecodedTile) => Result,
  ): Result;
}

export interface LibheifFile {
  /** @throws LibheifError */
  withPicture<Result>(id: number, use: (picture: LibheifPicture) => Result): Result;
  /**
   * Decodes the first picture of the first track. The samples are valid until `use` returns.
   *
   * @throws LibheifError
   */
  withFirstOfSequence<Result>(options: DecodeOptions, use: (tile: DecodedTile) => Result): Result;
}

export interface Libheif {
  /**
   * @param wholeBytes the library refuses files that were cut off, so zeros follow up to this length
   * @throws LibheifError
   */
  withFile<Result>(bytes: Uint8Array, wholeBytes: number, use: (file: LibheifFile) => Result): Result;
}

/** The library stays a file of its own, so that anyone can replace it (LGPL-3.0, section 4). */
const createModule = (): MainModule => {
  const create: unknown = createRequire(import.meta.filename)('libheif-js/libheif-wasm/libheif.js');
  if (typeof create !== 'function') throw new Error('libheif-js has no function that creates its module.');
  // It writes to the console otherwise.
  const silent = (): void => {};
  return create({ print: silent, printErr: silent });
};

/** Loads the library, which takes about 0.1 s. */
export const loadLibheif = (): Libheif => {
  const module = createModule();

  /** A view of its memory, which is another object after each growth. */
  const memory = (): Buffer => {
    const bytes: unknown = module.HEAPU8;
    if (!(bytes instanceof Uint8Array)) throw new Error('libheif has no memory.');
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };

  const pointerAt = (address: number): number => memory().readUInt32LE(address);

  const textAt = (address: number): string => {
    const start = memory().subarray(address, address + maxMessageCharacters);
    const end = start.indexOf(0);
    return start.toString('latin1', 0, end === -1 ? start.byteLength : end);
  };

  /** Zeroed memory of the library, for as long as `use` runs. */
  const withSpace = <Result>(bytes: number, use: (address: number) => Result): Result => {
    const address = module._malloc(bytes);
    // The library's memory is full: another attempt in a fresh process decides.
    if (address === 0) throw new Error(`libheif has no ${bytes} bytes left.`);
    try {
      memory().fill(0, address, address + bytes);
      return use(address);
    } finally {
      module._free(address);
    }
  };

  /** A `heif_error`, which functions return through their first argument, is three words. */
  const check = (call: (error: number) => void): void =>
    withSpace(12, (error) => {
      call(error);
      const code = pointerAt(error);
      if (code !== 0) throw new LibheifError(code, pointerAt(error + 4), textAt(pointerAt(error + 8)));
    });

  /** Calls a function that writes a pointer to something, and returns that pointer. */
  const created = (call: (error: number, out: number) => void): number =>
    withSpace(4, (out) => {
      check((error) => call(error, out));
      const address = pointerAt(out);
      if (address === 0) throw new Error('libheif returned nothing.');
      return address;
    });

  /** `heif_decoding_options`: its second byte is `ignore_transformations`. */
  const withDecodingOptions = <Result>(use: (options: number) => Result): Result => {
    const options = module._heif_decoding_options_alloc();
    if (options === 0) throw new Error('libheif has no memory left.');
    try {
      memory()[options + 1] = 1;
      return use(options);
    } finally {
      module._heif_decoding_options_free(options);
    }
  };

  const withSamples = <Result>(
    image: number,
    { channels, isDeep }: DecodeOptions,
    use: (tile: DecodedTile) => Result,
  ): Result => {
    try {
      const width = module._heif_image_get_width(image, interleavedChannel);
      const height = module._heif_image_get_height(image, interleavedChannel);
      const depth = module._heif_image_get_bits_per_pixel_range(image, interleavedChannel);
      const { plane, strideBytes } = withSpace(4, (out) => ({
        plane: module._heif_image_get_plane_readonly2(image, interleavedChannel, out),
        strideBytes: pointerAt(out),
      }));
      const sampleBytes = isDeep ? 2 : 1;
      const { buffer, byteOffset, byteLength } = memory();
      if (
        width <= 0 ||
        height <= 0 ||
        depth < 8 ||
        depth > 8 * sampleBytes ||
        plane <= 0 ||
        plane % sampleBytes !== 0 ||
        strideBytes % sampleBytes !== 0 ||
        strideBytes < width * channels * sampleBytes ||
        plane + strideBytes * height > byteLength
      ) {
        throw new Error('libheif returned a picture that makes no sense.');
      }
      const length = (strideBytes / sampleBytes) * height;
      const start = byteOffset + plane;
      const samples = isDeep ? new Uint16Array(buffer, start, length) : new Uint8Array(buffer, start, length);
      return use({ width, height, samples, stride: strideBytes / sampleBytes, depth });
    } finally {
      module._heif_image_release(image);
    }
  };

  const chroma = ({ channels, isDeep }: DecodeOptions): number => chromaOf[channels][isDeep ? 16 : 8];

  /** The first nine words of a `heif_image_tiling`, which has more for tiles in more dimensions. */
  const tilingOf = (handle: number): Tiling =>
    withSpace(128, (tiling) => {
      check((error) => module._heif_image_handle_get_image_tiling(error, handle, 0, tiling));
      const [columns = 0, rows = 0, tileWidth = 0, tileHeight = 0, width = 0, height = 0] = [
        1, 2, 3, 4, 5, 6,
      ].map((word) => pointerAt(tiling + 4 * word));
      return {
        columns,
        rows,
        tile: { width: tileWidth, height: tileHeight },
        picture: { width, height },
      };
    });

  const pictureOf = (handle: number): LibheifPicture => {
    const tiling = tilingOf(handle);
    return {
      tiling,
      withTile: (column, row, options, use) =>
        withDecodingOptions((decoding) => {
          const into = [colorspaceRgb, chroma(options), decoding] as const;
          const image = created((error, out) => {
            // As a tile, a picture without tiles is refused if it is turned.
            if (tiling.columns * tiling.rows === 1) module._heif_decode_image(error, handle, out, ...into);
            else module._heif_image_handle_decode_image_tile(error, handle, out, ...into, column, row);
          });
          return withSamples(image, options, use);
        }),
    };
  };

  const fileOf = (context: number): LibheifFile => ({
    withPicture(id, use) {
      const handle = created((error, out) => module._heif_context_get_image_handle(error, context, id, out));
      try {
        return use(pictureOf(handle));
      } finally {
        module._heif_image_handle_release(handle);
      }
    },

    withFirstOfSequence(options, use) {
      // 0 means the first track of pictures.
      const track = module._heif_context_get_track(context, 0);
      if (track === 0) throw new Error('libheif finds no track.');
      try {
        return withDecodingOptions((decoding) => {
          const image = created((error, out) =>
            module._heif_track_decode_next_image(error, track, out, colorspaceRgb, chroma(options), decoding),
          );
          return withSamples(image, options, use);
        });
      } finally {
        module._heif_track_release(track);
      }
    },
  });

  /** A photo of 200 megapixels has more items than the default allows if it has a gain map. */
  const allowManyItems = (context: number): void => {
    const limits = module._heif_context_get_security_limits(context);
    if (limits === 0 || pointerAt(limits + maxItemsOffset) !== defaultMaxItems) {
      throw new Error('This version of libheif has other limits.');
    }
    memory().writeUInt32LE(maxItems, limits + maxItemsOffset);
  };

  return {
    withFile(bytes, wholeBytes, use) {
      const length = Math.max(1, bytes.byteLength, wholeBytes);
      return withSpace(length, (address) => {
        memory().set(bytes, address);
        const context = module._heif_context_alloc();
        if (context === 0) throw new Error('libheif has no memory left.');
        try {
          allowManyItems(context);
          check((error) =>
            module._heif_context_read_from_memory_without_copy(error, context, address, length, 0),
          );
          return use(fileOf(context));
        } finally {
          module._heif_context_free(context);
        }
      });
    },
  };
};
