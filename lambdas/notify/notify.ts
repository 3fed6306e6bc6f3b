import type { Catalog } from '../aws/catalog.ts';
import type { ImageId } from '../image/id.ts';
import type { ImageRecord } from '../image/record.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { mailOf } from './mail.ts';
import { type MailRequest, masked } from './mail-request.ts';
import type { MailRequests } from './mail-requests.ts';
import type { Mail, Mailer } from './mailer.ts';
import type { Preview } from './preview.ts';

export interface NotifyDependencies {
  readonly catalog: Pick<Catalog, 'find'>;
  readonly mailRequests: MailRequests;
  readonly mailer: Mailer;
  /** A picture of the thumbnail; undefined when there is none that is safe to show. */
  readonly preview: (id: ImageId) => Promise<Preview | undefined>;
  /** Where callers reach the API: with the stage, without a trailing slash. */
  readonly apiUrl: string;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Sends the mails that are due about an image: none while it is pending, as another event follows. */
export type Notify = (id: ImageId) => Promise<void>;

/** @throws errors that a retry may resolve; the requests whose mails were not sent remain */
export const createNotify = (dependencies: NotifyDependencies): Notify => {
  const { catalog, mailRequests, mailer, preview, apiUrl, metrics, log } = dependencies;

  const composeMail = async (record: ImageRecord): Promise<Mail> => {
    if (record.error !== undefined) return mailOf(record, apiUrl);
    const picture = await preview(record.id);
    if (picture === undefined) log.warn('mail has no preview', { imageId: record.id });
    return mailOf(record, apiUrl, picture);
  };

  const deliver = async (request: MailRequest, mail: Mail): Promise<void> => {
    if (!(await mailRequests.claim(request))) {
      // The other process may still die. This message is delivered again, and finds the mail sent or the
      // claim ended.
      throw new Error('Another process is sending the mail.');
    }
    await mailer.send(request.recipient, mail);
    metrics.record({ MailsSent: 1 });
    log.info('mail sent', { imageId: request.imageId, recipient: masked(request.recipient) });
    // A process that dies before this, or gets no reply from SES, leaves the request: two mails are better
    // than none.
    await mailRequests.remove(request);
  };

  return async (id) => {
    const record = await catalog.find(id);
    if (record === undefined || record.status === 'received') return;
    // Only requests with proven bytes. The others expire.
    const requests = await mailRequests.of(id, record.uploadId);
    if (requests.length === 0) return;
    const mail = await composeMail(record);
    const failures: unknown[] = [];
    for (const request of requests) {
      try {
        await deliver(request, mail);
      } catch (error) {
        failures.push(error);
        log.warn('mail not sent', { imageId: id, recipient: masked(request.recipient), error });
      }
    }
    if (failures.length > 0) throw failures[0];
  };
};
