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

export interface NotifyProps {
  readonly catalog: Catalog;
  readonly mailRequests: MailRequests;
  readonly mailer: Mailer;
  /** A picture of the image's thumbnail; undefined when there is none that can be shown. */
  readonly preview: (id: ImageId) => Promise<Preview | undefined>;
  /** Where people reach the API: with the stage, without a slash at the end. */
  readonly apiUrl: string;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Writes to everybody who waits for an image, if it has ended by now. Otherwise there is nothing to do: an event will tell. */
export type Notify = (id: ImageId) => Promise<void>;

/** @throws what may succeed when tried again; the requests whose mails were not sent are still there */
export const createNotify = (props: NotifyProps): Notify => {
  const { catalog, mailRequests, mailer, preview, apiUrl, metrics, log } = props;

  const mailAbout = async (record: ImageRecord): Promise<Mail> => {
    if (record.error !== undefined) return mailOf(record, apiUrl);
    const picture = await preview(record.id);
    if (picture === undefined) log.warn('mail goes without a preview', { imageId: record.id });
    return mailOf(record, apiUrl, picture);
  };

  const deliver = async (request: MailRequest, mail: Mail): Promise<void> => {
    if (!(await mailRequests.claim(request))) {
      // Whoever has it may die yet: our message must come again, to find that the mail is sent or the claim has ended.
      throw new Error('The mail is being sent elsewhere.');
    }
    await mailer.send(request.recipient, mail);
    metrics.record({ MailsSent: 1 });
    log.info('mail sent', { imageId: request.imageId, recipient: masked(request.recipient) });
    // Whoever dies before this, or is not told that the mail was taken, leaves it to be sent again: two mails are better
    // than none.
    await mailRequests.remove(request);
  };

  return async (id) => {
    const record = await catalog.find(id);
    if (record === undefined || record.status === 'received') return;
    // A request counts only if its caller has shown the bytes. The others expire by themselves.
    const requests = await mailRequests.of(id, record.uploadId);
    if (requests.length === 0) return;
    const mail = await mailAbout(record);
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
