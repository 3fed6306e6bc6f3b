import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { serveJobs } from '../processes/answer.ts';
import { bareThumbnail } from './thumbnail.ts';

const jobSchema = z.object({ file: z.string(), count: z.int().positive() });

/** Makes the thumbnail of a file `count` times, one after the other. */
serveJobs(async (job) => {
  const { file, count } = jobSchema.parse(job);
  const bytes = await readFile(file);
  return async () => {
    for (let number = 0; number < count; number += 1) await bareThumbnail(bytes);
  };
});
