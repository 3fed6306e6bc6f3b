/**
 * How pictures in ISO media files may be coded: what ISO/IEC 14496-12 and 23008-12 and the codings themselves
 * call it, and what people do.
 */
export const pictureCodings: ReadonlyMap<string, string> = new Map([
  ['av01', 'AV1'],
  ['hvc1', 'HEVC'],
  ['hev1', 'HEVC'],
  ['avc1', 'AVC'],
  ['vvc1', 'VVC'],
  ['evc1', 'EVC'],
  ['jpeg', 'JPEG'],
  ['j2k1', 'JPEG 2000'],
  ['unci', 'uncompressed'],
]);

/** The first of the known codings at a distance from a box's type. */
const firstCoding = (start: string, box: string, distanceAt: (at: number) => number): string | undefined => {
  for (let at = start.indexOf(box); at !== -1; at = start.indexOf(box, at + 4)) {
    const place = at + distanceAt(at);
    const coding = start.slice(place, place + 4);
    if (pictureCodings.has(coding)) return coding;
  }
  return undefined;
};

/**
 * The coding of the first still picture that the start of a file lists. The box `infe` has a version, flags,
 * an id of 2 or, in version 3, 4 bytes, an index of 2 bytes, and then the item's type.
 */
export const itemCodingIn = (start: string): string | undefined =>
  firstCoding(start, 'infe', (at) => (start.charCodeAt(at + 4) === 3 ? 14 : 12));

/** The coding of the first sequence. The box `stsd` has 8 bytes, the size of a box, and then its type. */
export const trackCodingIn = (start: string): string | undefined => firstCoding(start, 'stsd', () => 16);
