import sharp from 'sharp';
import { numbered } from '../../bench/photos.ts';

test('numbers a JPEG so that its bytes differ and its pixels do not', async () => {
  const photo = await sharp({
    create: { width: 64, height: 48, channels: 3, background: '#c06030' },
  })
    .jpeg()
    .toBuffer();
  const [one, two] = [numbered(photo, '1'), numbered(photo, '2')];
  expect(one.equals(two)).toBe(false);
  const pixels = await Promise.all(
    [photo, one, two].map((bytes) => sharp(bytes, { failOn: 'warning' }).raw().toBuffer()),
  );
  expect(pixels[1]).toEqual(pixels[0]);
  expect(pixels[2]).toEqual(pixels[0]);
});
