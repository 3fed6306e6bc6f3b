import type * as z from 'zod';
import { emailAddressSchema } from '../../lambdas/image/email-address.ts';
import { allowedRecipientsSchema } from '../../lambdas/notify/mail-request.ts';
import { objectLike, orNull, setting } from '../setting.ts';

const emailSchema = objectLike('{"from": "me@example.com", "allowedRecipients": ["example.com"]}', {
  from: emailAddressSchema.describe('The sender of mails; SES asks this address for confirmation.'),
  // Lambda holds at most 4 KB of environment variables (Lambda quotas).
  allowedRecipients: allowedRecipientsSchema
    .min(1, 'at least one address or domain')
    .max(20, 'at most 20: allow a domain instead of its addresses')
    .describe('Addresses, and domains of which every address is allowed.'),
});

export type EmailSettings = Readonly<z.output<typeof emailSchema>>;

export const mailSettings = {
  email: setting(orNull(emailSchema), null).describe(
    'Sends a mail to callers who asked for one when their image is ready or has failed; null sends none.',
  ),
};
