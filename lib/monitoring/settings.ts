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
      .refine((emails) => new Set(emails).size === emails.length, 'an address is listed twice'),
    [],
    'a list of email addresses',
  ).describe('Addresses that get a mail when an alarm starts and when it ends; each must confirm once.'),
  uploadToReadyGoalSeconds: field(
    z.number().min(1, 'at least 1').max(3600, 'at most 3600'),
    10,
    'a number from 1 to 3600',
  ).describe('Time within which 95 of 100 images should be ready after their upload.'),
  usualImagesPerHour: field(wholeNumber(1, 10_000_000), 1000).describe(
    'Usual number of images in an hour; an alarm starts at five times as many.',
  ),
});

export const monitoringSettings = {
  logRetentionDays: setting(logRetentionDays, 30).describe('Days for which logs are kept.'),
  alerts: setting(alertsSchema, {}).describe('Recipients of alarms, and the values from which alarms start.'),
};
