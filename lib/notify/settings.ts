import * as z from 'zod';
import { emailAddressSchema } from '../../lambdas/image/email-address.ts';
import { allowedRecipientsSchema } from '../../lambdas/notify/mail-request.ts';
import { setting } from '../setting.ts';

const shape = '{"from": "me@example.com", "allowedRecipients": ["example.com"]}';

const emailSchema = z.strictObject(
  {
    from: emailAddressSchema.describe('The sender of mails; SES asks this address for confirmation.'),
    // Lambda holds at most 4 KB of environment variables (Lambda quotas).
    allowedRecipients: allowedRecipientsSchema
      .min(1, 'at least one address or domain')
      .max(20, 'at most 20: allow a domain instead of its addresses')
      .describe('Addresses, and domains of which every address is allowed.'),
  },
  { error: ({ code }) => (code === 'invalid_type' ? `expected null or ${shape}` : undefined) },
);

export type EmailSettings = Readonly<z.output<typeof emailSchema>>;

export const mailSettings = {
  email: setting(
    emailSchema.nullable(),
    null,
    'Sends a mail to callers who asked for one when their image is ready or has failed; null sends none.',
    `null or ${shape}`,
  ),
};
