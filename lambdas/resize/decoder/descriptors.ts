/**
 * File descriptors of the decoder process. Images and thumbnails pass through `bytes`, a file without a name.
 */
export const decoderFiles = { requests: 0, bytes: 3, replies: 4 } as const;
