import * as z from 'zod';
import { serveJobs } from '../processes/answer.ts';
import { bareRequest } from './http.ts';
import { bareThumbnail } from './thumbnail.ts';

const jobSchema = z.object({ getUrl: z.url(), putUrl: z.url() });

/** The least that resize must do: GET the original, make the thumbnail, PUT it. */
serveJobs(async (job) => {
  const { getUrl, putUrl } = jobSchema.parse(job);
  return async () => {
    await bareRequest('PUT', putUrl, await bareThumbnail(await bareRequest('GET', getUrl)));
  };
});
