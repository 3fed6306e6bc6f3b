import * as z from 'zod';
import { endpointOf, type Ports } from '../../local/ports.ts';

const mailSchema = z.object({
  from: z.string(),
  destination: z.object({ to: z.array(z.string()), cc: z.array(z.string()), bcc: z.array(z.string()) }),
  subject: z.string(),
  body: z.object({ text: z.string(), html: z.string() }),
});
export type SentMail = z.output<typeof mailSchema>;

/** Every mail sent so far, from the page of the emulator. */
export const sentMails = async (ports: Ports): Promise<readonly SentMail[]> => {
  const response = await fetch(`${endpointOf(ports.mail)}/store`);
  return z.object({ emails: z.array(mailSchema) }).parse(await response.json()).emails;
};

export const mailsTo = async (ports: Ports, recipient: string): Promise<readonly SentMail[]> =>
  (await sentMails(ports)).filter(({ destination }) => destination.to.includes(recipient));
