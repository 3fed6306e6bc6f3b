import { createCatalog } from '../aws/catalog.ts';
import { createS3Client } from '../aws/clients.ts';
import { createThumbnails } from '../aws/thumbnails.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import type { NotifyEnvironment } from './environment.ts';
import { createMailRequests } from './mail-requests.ts';
import { createMailer } from './mailer.ts';
import { createMessageHandler } from './messages.ts';
import { createNotify } from './notify.ts';
import { createPreview } from './preview.ts';

/** Builds the handler of queue messages from the environment. */
export const wireNotify = (environment: NotifyEnvironment, log: Log) => {
  const thumbnails = createThumbnails(createS3Client(), environment.thumbnailBucket);
  const notify = createNotify({
    catalog: createCatalog(environment.catalogTable),
    mailRequests: createMailRequests(environment.mailRequestsTable),
    mailer: createMailer({
      from: environment.mailFrom,
      configurationSet: environment.mailConfigurationSet,
    }),
    preview: createPreview(thumbnails, environment.variants[0], log),
    apiUrl: environment.apiUrl,
    metrics: createMetrics(environment.stackName),
    log,
  });
  return createMessageHandler(notify);
};
