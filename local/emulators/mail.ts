import ses from 'aws-ses-v2-local';
import { getStoreReadonly } from 'aws-ses-v2-local/dist/store.js';
import { host } from '../ports.ts';
import { type Guard, type IsOpen, ownRequestsOnly } from './own-requests-only.ts';

export interface Mail {
  stop(): Promise<void>;
}

export interface MailProps {
  readonly port: number;
  readonly guard: Guard;
}

/** The page that shows the mails, and what it asks for. */
const pagePaths: readonly string[] = ['/', '/store', '/clear-store', '/get-emlContent'];

/** SES posts to the top as well, in the form of its first version. */
const isOfPage: IsOpen = ({ method, url = '' }) => {
  const [path = ''] = url.split('?');
  return pagePaths.includes(path) && !(path === '/' && method === 'POST');
};

/** SES that keeps every mail to itself, until the process ends, and a page that shows them. */
export const startMail = async ({ port, guard }: MailProps): Promise<Mail> => {
  // With it, aws-ses-v2-local would pass the mails on to the server that it names.
  delete process.env['SMTP_TRANSPORT'];
  const server = await ses.default({ port, host });
  if (!server.listening) throw new Error(`The mail server cannot listen on port ${port}.`);
  server.prependListener('request', showPictures);
  ownRequestsOnly(server, guard, isOfPage);
  return {
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
};

/** A mail program finds a picture that a mail brings along by its id; the page that shows them here does not. */
const showPictures = (): void => {
  for (const { body, attachments } of getStoreReadonly().emails) {
    for (const attachment of attachments) {
      const { contentType, content } = attachment;
      // Its types leave the id out.
      if (!('contentId' in attachment)) continue;
      body.html = body.html?.replaceAll(
        `cid:${attachment.contentId}`,
        `data:${contentType};base64,${content}`,
      );
    }
  }
};
