import * as z from 'zod';
import { emailAddressSchema } from '../image/email-address.ts';
import { ImageError } from '../image/errors.ts';
import type { ImageEventType } from '../image/event.ts';

/** Names who wants a mail: a header, or a query parameter. */
export const notifyHeader = 'X-Notify-Email';

/** What an image's events may be about when somebody's mail is due. */
export const mailedEventTypes: readonly ImageEventType[] = ['image.ready', 'image.failed', 'image.duplicate'];

/**
 * A request for a mail once an image is ready, or has failed. Only a caller who has shown the bytes gets one: an inline
 * upload shows them in its body, a presigned upload when S3 stores them. There is one request for each recipient of an
 * image's inline uploads, and one for each presigned upload.
 */
export const mailRequestSchema = z.object({
  imageId: z.string(),
  /** An address, its domain in lower case. */
  recipient: z.string(),
  /** Tells it from a later request of the same person for the same image. */
  requestId: z.string(),
  /** The presigned upload it was made with. The request counts only if that upload stored the image. */
  uploadId: z.string().optional(),
});
export type MailRequest = Readonly<z.output<typeof mailRequestSchema>>;

/** How requests are kept: the table's attribute names, wherever it is created. */
export const mailRequestsTable = {
  partitionKey: 'imageId',
  sortKey: 'recipient',
  /** Epoch seconds; DynamoDB deletes an item some time after it. */
  timeToLive: 'expiresAtSeconds',
} as const;

/**
 * How many people are written to about one image in a day of UTC: whoever knows an image may name any that
 * are allowed.
 */
export const maxRecipientsPerDay = 20;

const address = emailAddressSchema.overwrite(
  (text) => text.slice(0, text.lastIndexOf('@')) + text.slice(text.lastIndexOf('@')).toLowerCase(),
);

const domain = z
  .hostname()
  .regex(/\.[a-z]{2,}$/i)
  .overwrite((text) => text.toLowerCase());

/** Who may be written to: addresses, and domains of which every address is allowed. */
export const allowedRecipientsSchema = z.array(
  z.union([address, domain], 'an address such as me@example.com, or a domain such as example.com'),
);
export type AllowedRecipients = Readonly<z.output<typeof allowedRecipientsSchema>>;

/**
 * @returns the address, its domain in lower case; one that is allowed by itself as it was allowed, so that another
 *   spelling is not another person
 * @throws ImageError `invalid-address`, `recipient-not-allowed`
 */
export const requireRecipient = (text: string, allowed: AllowedRecipients): string => {
  const { success, data } = address.safeParse(text);
  if (!success) {
    throw new ImageError('invalid-address', 'Name one plain address, such as me@example.com.', {
      field: notifyHeader,
    });
  }
  const recipientDomain = data.slice(data.lastIndexOf('@') + 1);
  if (allowed.includes(recipientDomain)) return data;
  const ownEntry = allowed.find((entry) => entry.toLowerCase() === data.toLowerCase());
  if (ownEntry !== undefined) return ownEntry;
  throw new ImageError('recipient-not-allowed', 'This service sends no mail to that address.', {
    field: notifyHeader,
  });
};

/** An address as logs may show it: `m…@example.com`. */
export const masked = (recipient: string): string => recipient.replace(/^(.).*@/, '$1…@');
