/** Numbers in the encodings of files. */
export const u8 = (value: number): Buffer => Buffer.from([value & 0xff]);

export const u16be = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value & 0xffff);
  return bytes;
};

export const u32be = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};

export const u16le = (value: number): Buffer => u16be(value).reverse();
export const u24le = (value: number): Buffer => u32le(value).subarray(0, 3);
export const u32le = (value: number): Buffer => u32be(value).reverse();

export const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Values at which programs often fail, for a field of this many bytes. */
export const edgeNumbers = (bytes: 1 | 2 | 4): readonly number[] =>
  [
    0, 1, 2, 3, 7, 15, 127, 128, 254, 255, 256, 16_383, 16_384, 16_385, 32_767, 32_768, 65_534, 65_535,
    65_536, 4_194_305, 0xffffff, 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffe, 0xffffffff,
  ].filter((value) => value < 2 ** (8 * bytes));
