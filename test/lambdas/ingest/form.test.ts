import { fileOf, isForm } from '../../../lambdas/ingest/form.ts';

const boundary = 'x-boundary';
const requestWith = (contentType = `multipart/form-data; boundary=${boundary}`): Request =>
  new Request('http://localhost/upload_image', { method: 'POST', headers: { 'Content-Type': contentType } });

const part = (disposition: string, content: string): string =>
  `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${content}\r\n`;
const end = `--${boundary}--\r\n`;
const file = (content: string): string => part('name="file"; filename="a.jpg"', content);

test.each([
  'multipart/form-data; boundary=x',
  'Multipart/Form-Data;boundary="x"',
  'multipart/form-data; charset=utf-8; boundary=x',
])('recognizes %s as a form', (contentType) => expect(isForm(requestWith(contentType))).toBe(true));

test.each([
  'image/jpeg',
  'application/x-www-form-urlencoded',
  'text/plain; multipart/form-data; boundary=x',
  'multipart/form-data',
  'multipart/form-data; charset=utf-8',
])('does not recognize %s as a form', (contentType) => expect(isForm(requestWith(contentType))).toBe(false));

test('returns the bytes of the file unchanged, also line ends and bytes like a boundary', async () => {
  const content = '\xff\xd8\r\n--x-boundar\r\n\0\x80--';
  const body = Buffer.from(part('name="album"', 'Lakes') + file(content) + end, 'latin1');
  expect(Buffer.from(await fileOf(requestWith(), body)).toString('latin1')).toBe(content);
});

test('takes the file of a field of any name', async () => {
  const body = Buffer.from(part('name="photo"; filename="a.jpg"', 'bytes') + end);
  expect(Buffer.from(await fileOf(requestWith(), body)).toString()).toBe('bytes');
});

test.each([
  ['nothing', ''],
  ['only its end', end],
  ['a part without an end', part('name="a"; filename="a"', 'x')],
  ['a part without a name', `${part('filename="a"', 'x')}${end}`],
  ['a header line without an end', `--${boundary}\r\nContent-Disposition: form-data; name="x`],
])('refuses a form with %s', async (_, body) => {
  await expect(fileOf(requestWith(), Buffer.from(body))).rejects.toMatchObject({
    code: 'invalid-request',
    field: 'file',
  });
});

test.each([boundary, `"${boundary}"`])(
  'takes a hundred parts and refuses more (boundary=%s)',
  async (given) => {
    const fields = part('name="a"; filename=""', '');
    const request = requestWith(`multipart/form-data; boundary=${given}`);
    const most = Buffer.from(fields.repeat(99) + file('bytes') + end);
    expect(Buffer.from(await fileOf(request, most)).toString()).toBe('bytes');
    const more = Buffer.from(fields.repeat(100) + file('bytes') + end);
    await expect(fileOf(request, more)).rejects.toThrow('more than 100 parts');
  },
);
