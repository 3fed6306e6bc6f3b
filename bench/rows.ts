import type { Row } from './row.ts';
import { coldRows } from './rows/cold.ts';
import { coreRows } from './rows/core.ts';
import { functionRows } from './rows/functions.ts';
import { growthRows } from './rows/growth.ts';
import { heicRows } from './rows/heic.ts';
import { sizeRows } from './rows/size.ts';
import { throughputRows } from './rows/throughput.ts';
import { uploadRows } from './rows/upload-to-ready.ts';

/** Every row except those of peers. */
export const rows: readonly Row[] = [
  ...coreRows,
  ...heicRows,
  ...functionRows,
  ...coldRows,
  ...sizeRows,
  ...throughputRows,
  ...uploadRows,
  ...growthRows,
];
