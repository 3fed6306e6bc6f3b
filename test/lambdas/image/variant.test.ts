import { imageIdOf } from '../../../lambdas/image/id.ts';
import { idOfOriginalKey, originalKey, thumbnailKey } from '../../../lambdas/image/keys.ts';
import { defaultVariants, variantSchema, variantsSchema } from '../../../lambdas/image/variant.ts';

const id = imageIdOf(Buffer.from('an image'));

describe('a variant', () => {
  test('is a 320 x 320 WebP inside the box unless configured otherwise', () => {
    expect(variantsSchema.parse(defaultVariants)).toEqual([
      {
        name: 'thumbnail',
        width: 320,
        height: 320,
        fit: 'inside',
        format: 'webp',
        quality: 80,
        animation: 'first',
      },
    ]);
  });

  test('is unchanged when its complete settings are read again', () => {
    for (const given of [
      { fit: 'cover' },
      { fit: 'contain' },
      { format: 'jpeg' },
      { format: 'png' },
      { format: 'avif' },
      { animation: 'keep' },
      { animation: 'keep', maxAnimationBytes: 100_000 },
    ]) {
      const variant = variantSchema.parse({ name: 'a', ...given });
      expect(variantSchema.parse(JSON.parse(JSON.stringify(variant)))).toEqual(variant);
    }
  });

  test.each([
    ['a position without cover', { name: 'a', position: 'top' }, /only fit .*cover.* uses a position/],
    ['a background without effect', { name: 'a', background: '#ffffff' }, /background/],
    ['a quality for PNG', { name: 'a', format: 'png', quality: 80 }, /png is lossless/],
    [
      'an animation as JPEG',
      { name: 'a', format: 'jpeg', animation: 'keep' },
      /only format .*webp.* keeps an animation/,
    ],
    [
      'a limit of bytes for stills',
      { name: 'a', maxAnimationBytes: 1e6 },
      /only animation .*keep.* has a limit/,
    ],
    ['an animation of a gigabyte', { name: 'a', animation: 'keep', maxAnimationBytes: 1e9 }, /50000000/],
    ['a name with a slash', { name: 'a/b' }, /a-z, 0-9/],
    ['an unknown setting', { name: 'a', widht: 100 }, /widht/],
    ['a side of more than 4096 pixels', { name: 'a', width: 5000 }, /4096/],
    ['a colour by name', { name: 'a', fit: 'contain', background: 'red' }, /#rrggbb/],
  ])('refuses %s', (_, given, rule) => {
    expect(variantSchema.safeParse(given).error?.message).toMatch(rule);
  });
});

describe('a list of variants', () => {
  test('refuses an empty list', () => {
    expect(variantsSchema.safeParse([]).success).toBe(false);
  });

  test('refuses a name that is listed twice', () => {
    const { error } = variantsSchema.safeParse([{ name: 'a' }, { name: 'b' }, { name: 'b', width: 9 }]);
    expect(error?.message).toContain('the name \\"b\\" is listed twice');
  });

  test('refuses more than 16', () => {
    const many = Array.from({ length: 17 }, (_, index) => ({ name: `v${index}` }));
    expect(variantsSchema.safeParse(many).error?.message).toContain('at most 16 variants');
  });
});

describe('keys', () => {
  test('of an original lead back to its id', () => {
    expect(originalKey(id)).toBe(`raw/${id}`);
    expect(idOfOriginalKey(originalKey(id))).toBe(id);
  });

  test.each([`raw/${id}x`, `raw/${id.toUpperCase()}`, `other/${id}`, id, 'raw/', 'raw/../x'])(
    'of other objects contain no id: %s',
    (key) => {
      expect(idOfOriginalKey(key)).toBeUndefined();
    },
  );

  test('of a thumbnail contain all of its settings', () => {
    expect(thumbnailKey(id, variantSchema.parse({ name: 'thumbnail' }))).toBe(
      `thumbnails/${id}/thumbnail/v2-320x320-inside-q80.webp`,
    );
    expect(
      thumbnailKey(
        id,
        variantSchema.parse({ name: 'a', fit: 'cover', position: 'right top', format: 'png' }),
      ),
    ).toBe(`thumbnails/${id}/a/v2-320x320-cover-right_top.png`);
    expect(
      thumbnailKey(
        id,
        variantSchema.parse({ name: 'a', fit: 'contain', background: '#00000000', format: 'avif' }),
      ),
    ).toBe(`thumbnails/${id}/a/v2-320x320-contain-00000000-q50.avif`);
  });

  test('of an animation contain the most bytes that it may have', () => {
    expect(thumbnailKey(id, variantSchema.parse({ name: 'a', animation: 'keep' }))).toBe(
      `thumbnails/${id}/a/v2-320x320-inside-q80-animated-5000000.webp`,
    );
  });

  test('of a thumbnail change with every setting', () => {
    const changes = [
      {},
      { name: 'b' },
      { width: 321 },
      { height: 321 },
      { fit: 'cover' },
      { fit: 'cover', position: 'top' },
      { fit: 'contain' },
      { fit: 'contain', background: '#000000' },
      { format: 'jpeg' },
      { format: 'jpeg', background: '#000000' },
      { format: 'png' },
      { quality: 81 },
      { animation: 'keep' },
      { animation: 'keep', maxAnimationBytes: 100_000 },
    ];
    const keys = changes.map((change) => thumbnailKey(id, variantSchema.parse({ name: 'a', ...change })));
    expect(new Set(keys).size).toBe(changes.length);
  });
});
