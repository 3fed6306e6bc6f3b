import { RequestError } from '../runtime/request-error.ts';

/** The errors that a request for a mail may get. */
export const mailProblems = {
  'invalid-address': { status: 400, title: 'Not an email address' },
  'recipient-not-allowed': { status: 403, title: 'Mail to this address is not allowed' },
  'email-disabled': { status: 400, title: 'This server sends no mail' },
  'mail-needs-bytes': { status: 409, title: 'A mail needs the image itself' },
  'too-many-recipients': { status: 429, title: 'Too many recipients for this image today' },
} as const;

export type MailErrorCode = keyof typeof mailProblems;

export class MailError extends RequestError<MailErrorCode> {}
