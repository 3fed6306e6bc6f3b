import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { serveJobs } from '../processes/answer.ts';
import { bareRequest } from './http.ts';

const jobSchema = z.object({ file: z.string(), putUrl: z.url() });

/** One raw PUT of a file's bytes. */
serveJobs(async (job) => {
  const { file, putUrl } = jobSchema.parse(job);
  const bytes = await readFile(file);
  return async () => {
    await bareRequest('PUT', putUrl, bytes);
  };
});
