import type * as z from 'zod';
import { createCatalog } from '../aws/catalog.ts';
import { createS3Client } from '../aws/clients.ts';
import { createThumbnails } from '../aws/thumbnails.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import type { notifyEnvironment } from './environment.ts';
import { createMailRequests } from './mail-requests.ts';
import { createMailer } from './mailer.ts';
import { createMessageHandler } from './messages.ts';
import { createNotify } from './notify.ts';
import { createPreview } from './preview.ts';

/** Builds the handler of queue messages from the environment. */
export const wireNotify = (environment: z.output<typeof notifyEnvironment>, log: Log) => {
  const thumbnails = createThumbnails(createS3Client(), environment.THUMBNAIL_BUCKET);
  const notify = createNotify({
    catalog: createCatalog(environment.CATALOG_TABLE),
    mailRequests: createMailRequests(environment.MAIL_REQUESTS_TABLE),
    mailer: createMailer({
      from: environment.MAIL_FROM,
      configurationSet: environment.MAIL_CONFIGURATION_SET,
    }),
    preview: createPreview(thumbnails, environment.VARIANTS[0], log),
    apiUrl: environment.API_URL,
    metrics: createMetrics(environment.STACK_NAME),
    log,
  });
  return createMessageHandler(notify);
};
