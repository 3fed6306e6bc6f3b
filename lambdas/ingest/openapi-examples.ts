/** The image in the examples of the description. */
export const id = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
export const example = {
  id,
  status: 'ready',
  url: 'https://example-thumbnails.s3.us-east-2.amazonaws.com/thumbnails/9f86…?X-Amz-Signature=…',
  expiresAt: '2026-11-23T21:00:00.000Z',
  link: `https://abc123.execute-api.us-east-2.amazonaws.com/dev/thumbnails/${id}`,
  thumbnails: {
    thumbnail: {
      url: 'https://example-thumbnails.s3.us-east-2.amazonaws.com/thumbnails/9f86…?X-Amz-Signature=…',
      contentType: 'image/webp',
      width: 240,
      height: 320,
      bytes: 11_840,
    },
  },
  original: { contentType: 'image/jpeg', width: 3000, height: 4000, bytes: 1_873_402 },
  thumbhash: '3OcRJYB4d3h/iIeHeEh3eIhw+j2w',
};
export const receivedExample = {
  ...example,
  status: 'received',
  thumbnails: { thumbnail: { url: example.url, contentType: 'image/webp' } },
  original: { contentType: 'image/jpeg', bytes: 1_873_402 },
  thumbhash: undefined,
};
