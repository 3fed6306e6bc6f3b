import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import sharp from 'sharp';
import { quarteredPicture } from '../../images.ts';
import type { Reply } from '../../reply.ts';
import { readAnswer } from './answers.ts';
import { thumbnailProblems } from './thumbnail.ts';

const id = 'a'.repeat(64);

const answerOf = (status: number, body: object, type: string) =>
  readAnswer(new Response(JSON.stringify(body), { status, headers: { 'Content-Type': type } }), id);

const problem = {
  status: 422,
  title: 'The image is damaged',
  code: 'image-corrupt',
  detail: 'It ends too early.',
};

describe('a reply', () => {
  test('passes as a problem with a code', async () => {
    const { code, problems } = await answerOf(422, problem, 'application/problem+json');
    expect([code, problems]).toEqual(['image-corrupt', []]);
  });

  test.each([
    ['replied 500', 500, { ...problem, status: 500, code: 'internal-error' }],
    ['no valid problem', 422, { ...problem, code: 'something-else' }],
    ['no valid problem', 422, { ...problem, stack: 'x' }],
    ['422 within a reply of 400', 400, problem],
    ['the reply leaks', 422, { ...problem, detail: 'Error\n    at run (node:internal/x:1:1)' }],
    ['the reply leaks', 422, { ...problem, detail: 'http://127.0.0.1/a?X-Amz-Signature=00' }],
    ['control characters', 422, { ...problem, detail: '\u001b[2J' }],
    ['no valid problem', 422, { ...problem, detail: 'a'.repeat(10_000) }],
  ])('fails with "%s"', async (what, status, body) => {
    const { problems } = await answerOf(status, body, 'application/problem+json');
    expect(problems.join()).toContain(what);
  });

  test('fails as a reply about another image', async () => {
    const link = 'http://127.0.0.1/dev/thumbnails/b';
    const reply = { id: 'b'.repeat(64), status: 'received', link, thumbnails: {}, original: { bytes: 1 } };
    const { problems } = await answerOf(202, reply, 'application/json');
    expect(problems).toEqual([`the id is ${'b'.repeat(64)}`]);
  });
});

describe('a thumbnail', () => {
  let server: Server;
  let body = Buffer.alloc(0);
  let url: string;

  beforeAll(async () => {
    server = createServer((_request, response) => {
      response.setHeader('Content-Type', 'image/webp');
      response.end(body);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The server has no port.');
    url = `http://127.0.0.1:${address.port}/`;
  });
  afterAll(() => server.close());

  const problemsOf = async (bytes: Buffer, width = 32): Promise<readonly string[]> => {
    body = Buffer.from(bytes);
    const thumbnail = { url, contentType: 'image/webp', width, height: 32, bytes: bytes.length };
    const reply: Reply = {
      id,
      status: 'ready',
      url,
      link: url,
      thumbnails: { thumbnail },
      original: { bytes: 1 },
    };
    return thumbnailProblems(reply, 5000);
  };

  test('passes with pixels alone', async () => {
    expect(await problemsOf(await quarteredPicture(32, 32).webp().toBuffer())).toEqual([]);
  });

  test('fails with EXIF, a profile or XMP', async () => {
    const withMetadata = quarteredPicture(32, 32)
      .withExif({ IFD3: { GPSLatitudeRef: 'N' } })
      .withIccProfile('p3')
      .withXmp('<x/>');
    const problems = await problemsOf(await withMetadata.webp().toBuffer());
    for (const name of ['exif', 'icc', 'xmp']) expect(problems).toContain(`the thumbnail has ${name}`);
  });

  test('fails if it is too large, truncated, of another type or of another size than stated', async () => {
    expect((await problemsOf(await quarteredPicture(321, 32).webp().toBuffer(), 321)).join()).toContain(
      '321 x 32',
    );
    const whole = await quarteredPicture(32, 32).webp().toBuffer();
    expect((await problemsOf(whole.subarray(0, whole.length - 20))).join()).toContain('cannot be decoded');
    expect((await problemsOf(await sharp(whole).png().toBuffer())).join()).toContain('is png');
    expect((await problemsOf(whole, 31)).join()).toContain('another size than the reply');
  });
});
