const orientationTag = 0x0112;

/**
 * The orientation in EXIF data (EXIF 2.32, 4.6.4): 1 is upright, the others up to 8 turn or mirror it. What
 * cannot be read is upright.
 */
export const exifOrientation = (exif: Buffer): number => {
  // JPEG's mark of EXIF data, which some encoders keep in other formats.
  const tiff = exif.toString('latin1', 0, 6) === 'Exif\0\0' ? exif.subarray(6) : exif;
  const isLittle = tiff.toString('latin1', 0, 2) === 'II';
  const read = (at: number, size: 2 | 4): number => {
    if (at + size > tiff.byteLength) return 0;
    return isLittle ? tiff.readUIntLE(at, size) : tiff.readUIntBE(at, size);
  };
  const directory = read(4, 4);
  const entries = read(directory, 2);
  for (let entry = 0; entry < entries; entry += 1) {
    const at = directory + 2 + 12 * entry;
    if (read(at, 2) === orientationTag) return read(at + 8, 2);
  }
  return 1;
};
