import type { Format, FormatName } from '../input.ts';
import { avif } from './avif.ts';
import { gif } from './gif.ts';
import { jpeg } from './jpeg.ts';
import { png } from './png.ts';
import { tiff } from './tiff.ts';
import { webp } from './webp.ts';

export const formats: Readonly<Record<FormatName, Format>> = { jpeg, png, webp, gif, avif, tiff };
