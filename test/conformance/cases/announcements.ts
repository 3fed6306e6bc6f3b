import {
  announce,
  type Case,
  deleting,
  jsonReply,
  markBytes,
  problem,
  ready,
  received,
  receivedJpeg,
} from './case.ts';

const wrongHash = problem(400, 'invalid-request', 'sha256 must be 64 lower-case hexadecimal digits', {
  field: 'sha256',
});

/** Images that are too large for one request. */
export const createAnnouncementCases = (photo: Buffer): readonly Case[] => {
  const bytes = photo.byteLength + markBytes;
  return [
    {
      name: 'a new large image',
      request: announce({ sha256: '<id>', bytes: 4_000_000 }),
      reply: jsonReply(201, {
        ...received({}),
        upload: {
          method: 'PUT',
          url: '<s3>/raw-images/raw/<id>?<signed>',
          headers: {
            'x-amz-checksum-sha256': '<checksum>',
            'if-none-match': '*',
            'x-amz-meta-upload-id': '<upload>',
          },
          expiresAt: '<time>',
        },
      }),
    },
    {
      name: 'a large image that is stored',
      before: { status: 'received' },
      request: announce({ sha256: '<id>', bytes: 4_000_000 }),
      reply: jsonReply(200, receivedJpeg(bytes)),
    },
    {
      name: 'a large image that is being deleted',
      before: { status: 'deleting' },
      request: announce({ sha256: '<id>', bytes: 4_000_000 }),
      reply: deleting,
    },
    {
      name: 'a large image that is ready',
      before: { status: 'ready' },
      request: announce({ sha256: '<id>', bytes: 4_000_000 }),
      reply: jsonReply(200, ready),
    },
    {
      name: 'an announcement that is not JSON',
      request: announce('sha256=abc'),
      reply: problem(400, 'invalid-request', 'The body is not JSON.'),
    },
    {
      name: 'an empty announcement',
      request: announce(''),
      reply: problem(400, 'invalid-request', 'The body is not JSON.'),
    },
    {
      name: 'a hash in upper case',
      request: announce({ sha256: 'A'.repeat(64), bytes: 1 }),
      reply: wrongHash,
    },
    { name: 'no hash', request: announce({ bytes: 1 }), reply: wrongHash },
    {
      name: 'half a byte',
      request: announce({ sha256: '<id>', bytes: 0.5 }),
      reply: problem(400, 'invalid-request', 'bytes must be a whole number of at least 1', {
        field: 'bytes',
      }),
    },
    {
      name: 'an announcement of an image that is too large',
      request: announce({ sha256: '<id>', bytes: 5_000_001 }),
      reply: problem(413, 'body-too-large', 'The image is too large. At most 5 MB are accepted.', {
        field: 'bytes',
      }),
    },
    {
      name: 'an announcement that is too long',
      request: announce(' '.repeat(10_001)),
      reply: problem(413, 'body-too-large', 'The description of an upload may have at most 10000 bytes.'),
    },
  ];
};
