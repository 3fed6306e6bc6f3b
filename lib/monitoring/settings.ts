import * as z from 'zod';
import { emailAddressSchema } from '../../lambdas/image/email-address.ts';
import { field, setting, wholeNumber } from '../setting.ts';

/** Retention periods that CloudWatch Logs accepts (PutRetentionPolicy, `retentionInDays`). */
const logRetentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

const shape = '{"emails": ["me@example.com"], …}';

const alertsSchema = z.strictObject(
  {
    emails: field(
      z
        .array(emailAddressSchema)
        .refine((emails) => new Set(emails).size === emails.length, 'an address is listed twice'),
      [],
      'Addresses that get a mail when an alarm starts and when it ends; each must confirm once.',
      'a list of email addresses',
    ),
    uploadToReadyGoalSeconds: field(
      z.number().min(1, 'at least 1').max(3600, 'at most 3600'),
      10,
      'Time within which 95 of 100 images should be ready after their upload.',
      'a number from 1 to 3600',
    ),
    usualImagesPerHour: field(
      wholeNumber(1, 10_000_000),
      1000,
      'Usual number of images in an hour; an alarm starts at five times as many.',
    ),
  },
  { error: ({ code }) => (code === 'invalid_type' ? `expected ${shape}` : undefined) },
);

export const monitoringSettings = {
  logRetentionDays: setting(
    z.literal(logRetentionDays),
    30,
    'Days for which logs are kept.',
    `one of ${logRetentionDays.join(', ')}`,
  ),
  alerts: setting(alertsSchema, {}, 'Recipients of alarms, and the values from which alarms start.', shape),
};
