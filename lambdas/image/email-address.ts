import * as z from 'zod';

const rule = 'one plain address, such as me@example.com';

/**
 * As SES accepts it: one plain ASCII address without a display name (SES API Reference, `Destination`), within
 * the length that mail servers must accept (RFC 5321, 4.5.3.1).
 */
export const emailAddressSchema = z
  .email(rule)
  .max(254, rule)
  .regex(/^.{1,64}@/, rule);
