import type { Row } from './row.ts';
import { avifRows } from './rows/avif.ts';
import { gifRows } from './rows/gif.ts';
import { jpegRows } from './rows/jpeg.ts';
import { pngRows } from './rows/png.ts';
import { webpRows } from './rows/webp.ts';

/** Every file that is compared with Chromium. A fault that is found becomes one more row. */
export const rows: readonly Row[] = [...jpegRows, ...pngRows, ...gifRows, ...webpRows, ...avifRows];
