import * as z from 'zod';

const rule = 'one plain address, such as me@example.com';

/**
 * An address that SES accepts: plain ASCII without a display name (SES API Reference, `Destination`), and no
 * longer than mail servers must accept (RFC 5321, 4.5.3.1).
 */
export const emailAddressSchema = z
  .email(rule)
  .max(254, rule)
  .regex(/^.{1,64}@/, rule);
