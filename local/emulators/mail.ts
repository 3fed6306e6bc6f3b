import ses from 'aws-ses-v2-local';
import { host } from '../ports.ts';
import { closeServer } from './close.ts';
import { type Guard, type IsOpen, ownRequestsOnly } from './own-requests-only.ts';
import { showInlinePictures } from './patches/ses-inline-pictures.ts';

export interface Mail {
  stop(): Promise<void>;
}

export interface MailProps {
  readonly port: number;
  readonly guard: Guard;
}

/** The page that shows the mails, and what it requests. */
const pagePaths: readonly string[] = ['/', '/store', '/clear-store', '/get-emlContent'];

/** POST / is a request of the first version of SES. */
const isOfPage: IsOpen = ({ method, url = '' }) => {
  const [path = ''] = url.split('?');
  return pagePaths.includes(path) && !(path === '/' && method === 'POST');
};

/** SES that delivers no mail: it keeps all mails in memory and shows them on a page. */
export const startMail = async ({ port, guard }: MailProps): Promise<Mail> => {
  // With this variable aws-ses-v2-local would pass the mails on to a mail server.
  delete process.env['SMTP_TRANSPORT'];
  const server = await ses.default({ port, host });
  if (!server.listening) throw new Error(`The mail server cannot listen on port ${port}.`);
  showInlinePictures(server);
  ownRequestsOnly(server, guard, isOfPage);
  return { stop: () => closeServer(server) };
};
