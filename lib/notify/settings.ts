import type * as z from 'zod';
import { emailAddressSchema } from '../../lambdas/image/email-address.ts';
import { allowedRecipientsSchema } from '../../lambdas/notify/mail-request.ts';
import { field, objectLike, oneOf, orNull, setting } from '../setting.ts';

const emailSchema = objectLike('{"from": "me@example.com", "allowedRecipients": ["example.com"]}', {
  from: emailAddressSchema.describe('The sender of mails.'),
  identity: field(oneOf(['create', 'existing']), 'create').describe(
    'Creates the sender in SES, which asks the address for confirmation, or uses the address or the domain that SES has verified already.',
  ),
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
