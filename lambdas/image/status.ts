import * as z from 'zod';

/** `received` until every thumbnail is stored, then `ready`; or `failed` for a permanent reason. */
export const imageStatusSchema = z.enum(['received', 'ready', 'failed']);
