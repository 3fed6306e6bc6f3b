import * as z from 'zod';
import { emailAddressSchema } from '../../lambdas/image/email-address.ts';
import { field, objectLike, oneOf, setting, wholeNumber } from '../setting.ts';

/** Retention periods that CloudWatch Logs accepts (PutRetentionPolicy, `retentionInDays`). */
const logRetentionDays = oneOf([
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]);

const alertsSchema = objectLike('{"emails": ["me@example.com"], …}', {
  emails: field(
    z
      .array(emailAddressSchema)
      .refine((emails) => new Set(emails).size === emails.length, 'each address only once'),
    [],
    'a list of email addresses',
  ).describe(
    'Addresses that get a mail when an alarm goes off and when it ends; each must confirm the subscription once.',
  ),
  uploadToReadyGoalSeconds: field(
    z.number().min(1, 'at least 1').max(3600, 'at most 3600'),
    10,
    'a number from 1 to 3600',
  ).describe('Goal: 95 % of images are ready within this many seconds.'),
  usualImagesPerHour: field(wholeNumber(1, 10_000_000), 1000).describe(
    'Usual number of images per hour; an alarm goes off at five times this number.',
  ),
});

export const monitoringSettings = {
  logRetentionDays: setting(logRetentionDays, 30).describe('Days for which logs are kept.'),
  alerts: setting(alertsSchema, {}).describe('Who gets alarms, and the limits of some alarms.'),
};
