import * as z from 'zod';

const sidePixels = z.int().min(1).max(4096);
const formats = ['webp', 'jpeg', 'avif', 'png'] as const;

/** Media types of the formats that thumbnails are written in. */
export const thumbnailContentTypes = {
  webp: 'image/webp',
  jpeg: 'image/jpeg',
  avif: 'image/avif',
  png: 'image/png',
} as const satisfies Record<(typeof formats)[number], string>;

/** Quality of the lossy formats, 1 to 100, for variants without one. AVIF has a scale of its own. */
const defaultQuality = { webp: 80, jpeg: 80, avif: 50, png: undefined } as const;

/** A larger animation is replaced by its first frame, unless the variant sets another limit. */
const defaultAnimationBytes = 5_000_000;

/**
 * One kind of thumbnail: its size, its fit and its format. No image is enlarged.
 *
 * - `fit: inside` keeps the whole image within width x height; `cover` fills the box and crops the image at
 *   `position`; `contain` keeps the whole image and pads the box with `background`.
 * - `background` also replaces transparency in formats without it (jpeg).
 * - `animation: keep` makes an animated WebP of an animation, of at most `maxAnimationBytes`; `first` shows
 *   the first frame.
 */
export const variantSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, 'a-z, 0-9, - and _, at most 32 characters'),
    width: sidePixels.default(320),
    height: sidePixels.default(320),
    fit: z.enum(['inside', 'cover', 'contain']).default('inside'),
    position: z
      .enum([
        'centre',
        'top',
        'right top',
        'right',
        'right bottom',
        'bottom',
        'left bottom',
        'left',
        'left top',
        'entropy',
        'attention',
      ])
      .optional(),
    background: z
      .string()
      .regex(/^#(?:[0-9a-f]{6}|[0-9a-f]{8})$/, '#rrggbb or #rrggbbaa, in lower case')
      .optional(),
    format: z.enum(formats).default('webp'),
    quality: z.int().min(1).max(100).optional(),
    animation: z.enum(['first', 'keep']).optional(),
    // A setting of the variant, because it decides what the thumbnail shows, and so belongs in its key.
    maxAnimationBytes: z.int().min(10_000).max(50_000_000).optional(),
  })
  .check(({ value, issues }) => {
    type Setting = 'position' | 'background' | 'quality' | 'animation' | 'maxAnimationBytes';
    const refuse = (setting: Setting, rule: string): void => {
      issues.push({ code: 'custom', input: value[setting], path: [setting], message: rule });
    };
    if (value.position !== undefined && value.fit !== 'cover')
      refuse('position', 'only fit "cover" uses a position');
    if (value.background !== undefined && value.fit !== 'contain' && value.format !== 'jpeg') {
      refuse('background', 'only fit "contain" and format "jpeg" use a background');
    }
    if (value.quality !== undefined && value.format === 'png')
      refuse('quality', 'png is lossless: it has no quality');
    if (value.animation === 'keep' && value.format !== 'webp')
      refuse('animation', 'only format "webp" keeps an animation');
    if (value.maxAnimationBytes !== undefined && value.animation !== 'keep')
      refuse('maxAnimationBytes', 'only animation "keep" has a limit of bytes');
  })
  .overwrite((variant) => ({
    ...variant,
    position: variant.fit === 'cover' ? (variant.position ?? 'centre') : undefined,
    background:
      variant.fit === 'contain' || variant.format === 'jpeg' ? (variant.background ?? '#ffffff') : undefined,
    quality: variant.quality ?? defaultQuality[variant.format],
    animation: variant.format === 'webp' ? (variant.animation ?? 'first') : undefined,
    maxAnimationBytes:
      variant.animation === 'keep' ? (variant.maxAnimationBytes ?? defaultAnimationBytes) : undefined,
  }));

/** Has every default filled in. Options that do not apply to its fit and format are undefined. */
export type Variant = Readonly<z.output<typeof variantSchema>>;

const maxVariants = 16;

const variantList = z
  .array(variantSchema, 'expected a list of variants')
  .max(maxVariants, `at most ${maxVariants} variants`)
  .check(({ value, issues }) => {
    const names = value.map(({ name }) => name);
    const repeated = names.find((name, index) => names.indexOf(name) !== index);
    if (repeated !== undefined) {
      issues.push({ code: 'custom', input: value, message: `the name "${repeated}" is listed twice` });
    }
  });

/** The variants of a deployment, at least one. `url` in a reply shows the first. */
export const variantsSchema = z.codec(variantList, z.custom<readonly [Variant, ...Variant[]]>(), {
  decode: ([first, ...others], { issues }): readonly [Variant, ...Variant[]] => {
    if (first !== undefined) return [first, ...others];
    issues.push({ code: 'custom', input: [], message: 'at least one variant' });
    return z.NEVER;
  },
  encode: (variants) => [...variants],
});

export type Variants = Readonly<z.output<typeof variantsSchema>>;

export const defaultVariants = [{ name: 'thumbnail' }] as const;
