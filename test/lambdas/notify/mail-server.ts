import { once } from 'node:events';
import ses from 'aws-ses-v2-local';
import * as z from 'zod';

const mailSchema = z.object({
  from: z.string(),
  replyTo: z.array(z.string()),
  destination: z.object({ to: z.array(z.string()), cc: z.array(z.string()), bcc: z.array(z.string()) }),
  subject: z.string(),
  body: z.object({ text: z.string(), html: z.string() }),
  attachments: z.array(
    z.object({
      filename: z.string(),
      contentType: z.string(),
      contentDisposition: z.string(),
      contentId: z.string(),
      content: z.string().transform((text) => Buffer.from(text, 'base64')),
    }),
  ),
});

/** SES in this process. It stores mails instead of sending them. */
export const startMailServer = async () => {
  // Node.js wraps the export of a CommonJS package, jest does not.
  const start = typeof ses === 'function' ? ses : ses.default;
  const server = await start({ host: '127.0.0.1', port: 0 });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The mail server has no port.');
  const endpoint = `http://127.0.0.1:${address.port}`;
  return {
    endpoint,
    mails: async () => {
      const response = await fetch(`${endpoint}/store`);
      return z.object({ emails: z.array(mailSchema) }).parse(await response.json()).emails;
    },
    clear: async () => {
      await fetch(`${endpoint}/clear-store`, { method: 'POST' });
    },
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
