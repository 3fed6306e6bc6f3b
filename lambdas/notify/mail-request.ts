import * as z from 'zod';
import { emailAddressSchema } from '../image/email-address.ts';
import type { ImageEventType } from '../image/event.ts';
import { MailError } from './problems.ts';

/** The header or query parameter that names the recipient. */
export const notifyHeader = 'X-Notify-Email';

/** The events after which a mail may be due. */
export const mailedEventTypes: readonly ImageEventType[] = ['image.ready', 'image.failed', 'image.duplicate'];

/**
 * A request for a mail about an image. It counts only if the caller has proven to have the bytes: an inline
 * upload has them in its body, a presigned upload proves them when S3 stores them. An image has one request
 * for each recipient of its inline uploads, and one for each presigned upload.
 */
export const mailRequestSchema = z.object({
  imageId: z.string(),
  /** An address, its domain in lower case. */
  recipient: z.string(),
  /** Differs from a later request of the same recipient for the same image. */
  requestId: z.string(),
  /** The presigned upload that it was made with. It counts only if that upload stored the image. */
  uploadId: z.string().optional(),
});
export type MailRequest = Readonly<z.output<typeof mailRequestSchema>>;

/** The attribute names of the table of mail requests. */
export const mailRequestsTable = {
  partitionKey: 'imageId',
  sortKey: 'recipient',
  /** Epoch seconds; DynamoDB deletes an item some time after it. */
  timeToLive: 'expiresAtSeconds',
} as const;

/** Recipients of one image in a day of UTC. Anyone who has the image may name any allowed recipient. */
export const maxRecipientsPerDay = 20;

const address = emailAddressSchema.overwrite(
  (text) => text.slice(0, text.lastIndexOf('@')) + text.slice(text.lastIndexOf('@')).toLowerCase(),
);

const domain = z
  .hostname()
  .regex(/\.[a-z]{2,}$/i)
  .overwrite((text) => text.toLowerCase());

/** Allowed addresses, and domains of which every address is allowed. */
export const allowedRecipientsSchema = z.array(
  z.union([address, domain], 'an address such as me@example.com, or a domain such as example.com'),
);
export type AllowedRecipients = Readonly<z.output<typeof allowedRecipientsSchema>>;

/**
 * @returns the address, its domain in lower case. An address that is allowed by itself keeps the spelling of
 *   the settings, so that another spelling is not another recipient
 * @throws MailError `invalid-address`, `recipient-not-allowed`
 */
export const requireRecipient = (text: string, allowed: AllowedRecipients): string => {
  const { success, data } = address.safeParse(text);
  if (!success) {
    throw new MailError('invalid-address', 'Name one plain address, such as me@example.com.', {
      field: notifyHeader,
    });
  }
  const recipientDomain = data.slice(data.lastIndexOf('@') + 1);
  if (allowed.includes(recipientDomain)) return data;
  const ownEntry = allowed.find((entry) => entry.toLowerCase() === data.toLowerCase());
  if (ownEntry !== undefined) return ownEntry;
  throw new MailError('recipient-not-allowed', notAllowed, { field: notifyHeader });
};

/** It does not say who is allowed: the caller may be anyone. */
const notAllowed =
  'This server sends no mail to that address. The setting email.allowedRecipients names who gets mail, for example: npm start -- -c \'email={"from":"me@example.com","allowedRecipients":["example.com"]}\'';

/** An address in a form for logs: `m…@example.com`. */
export const masked = (recipient: string): string => recipient.replace(/^(.).*@/, '$1…@');
