/*
 * Some headers take long to read, whatever the picture is: text that inflates a thousandfold, tags that the library
 * sorts. They are found here by walking the container without decoding anything, in time linear in the bytes.
 */

/** Compressed text of a PNG. Zlib inflates it a thousandfold at most, so to 16 MB. */
const maxCompressedTextBytes = 16_384;
const maxPlainTextBytes = 1_000_000;
const maxPngChunks = 100_000;

/** libtiff compares each tag of a directory with each other one: a sum of squares. 60 directories of 15 tags make 13,500. */
const maxTagComparisons = 1_000_000;
const maxDirectories = 10_000;

/** Whether reading the header alone may take more than a tenth of a second of CPU time. */
export const isCostlyHeader = (bytes: Uint8Array): boolean => {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = data.toString('latin1', 0, 4);
  if (start === '\x89PNG') return isCostlyPng(data);
  if (start.startsWith('II') || start.startsWith('MM')) return isCostlyTiff(data);
  return false;
};

/** PNG specification (third edition), "Chunk layout" and "Textual information". */
const isCostlyPng = (data: Buffer): boolean => {
  let compressedBytes = 0;
  let plainBytes = 0;
  let chunks = 0;
  for (let at = 8; at + 8 <= data.byteLength; chunks += 1) {
    const length = data.readUInt32BE(at);
    const type = data.toString('latin1', at + 4, at + 8);
    const content = data.subarray(at + 8, at + 8 + length);
    if (type === 'zTXt' || (type === 'iTXt' && content[content.indexOf(0) + 1] !== 0)) {
      compressedBytes += length;
    } else if (type === 'tEXt' || type === 'iTXt') plainBytes += length;
    if (compressedBytes > maxCompressedTextBytes || plainBytes > maxPlainTextBytes) return true;
    if (chunks > maxPngChunks) return true;
    at += length + 12;
  }
  return false;
};

/** TIFF 6.0, section 2, and BigTIFF: where directories are, and how many tags each has. */
const isCostlyTiff = (data: Buffer): boolean => {
  const isLittle = data[0] === 0x49;
  const read = (at: number, size: 2 | 4 | 8): number => {
    if (at + size > data.byteLength) return 0;
    if (size === 2) return isLittle ? data.readUInt16LE(at) : data.readUInt16BE(at);
    if (size === 4) return isLittle ? data.readUInt32LE(at) : data.readUInt32BE(at);
    return Number(isLittle ? data.readBigUInt64LE(at) : data.readBigUInt64BE(at));
  };
  const isBig = read(2, 2) === 43;
  const offsetSize = isBig ? 8 : 4;
  const countSize = isBig ? 8 : 2;
  const entryBytes = isBig ? 20 : 12;
  let comparisons = 0;
  let at = read(isBig ? 8 : 4, offsetSize);
  for (let directories = 0; at > 0 && at < data.byteLength; directories += 1) {
    const tags = read(at, countSize);
    comparisons += tags ** 2;
    if (comparisons > maxTagComparisons || directories > maxDirectories) return true;
    at = read(at + countSize + tags * entryBytes, offsetSize);
  }
  return false;
};

const startOfScan = Buffer.from([0xff, 0xda]);

/** How often a progressive JPEG goes over the whole picture (ITU-T T.81, marker SOS). */
export const jpegScans = (bytes: Uint8Array): number => {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let scans = 0;
  for (let at = data.indexOf(startOfScan); at !== -1; at = data.indexOf(startOfScan, at + 2)) scans += 1;
  return scans;
};
