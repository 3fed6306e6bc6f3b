import { type SESv2Client, SendEmailCommand } from '@aws-sdk/client-sesv2';
import { createSESv2Client } from '../aws/clients.ts';
import { masked } from './mail-request.ts';

/** A picture that the HTML of a mail refers to as `cid:<id>`. */
export interface InlinePicture {
  readonly id: string;
  readonly fileName: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** Text and HTML have the same content: a mail program shows the form that it supports. */
export interface Mail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** @default - the HTML shows no picture */
  readonly picture?: InlinePicture;
}

export interface Mailer {
  /**
   * Sends a mail to one recipient.
   *
   * @throws Error when SES refuses it, or does not reply in time: then it may have been sent
   */
  send(recipient: string, mail: Mail): Promise<void>;
}

export interface MailerProps {
  /** An address that SES has verified, with or without a display name. */
  readonly from: string;
  readonly configurationSet: string;
}

/** SES builds the message from fields: no header or MIME part is composed here. */
export const createMailer = (
  { from, configurationSet }: MailerProps,
  ses: SESv2Client = createSESv2Client(),
): Mailer => ({
  async send(recipient, { subject, text, html, picture }) {
    const utf8 = (Data: string) => ({ Charset: 'UTF-8', Data });
    const command = new SendEmailCommand({
      ConfigurationSetName: configurationSet,
      FromEmailAddress: from,
      Destination: { ToAddresses: [recipient] },
      Content: {
        Simple: {
          Subject: utf8(subject),
          Body: { Text: utf8(text), Html: utf8(html) },
          Attachments: picture && [
            {
              ContentDisposition: 'INLINE',
              ContentId: picture.id,
              ContentType: picture.contentType,
              // Otherwise SES declares the bytes to be 7-bit text (SES Developer Guide, "Working with email
              // attachments").
              ContentTransferEncoding: 'BASE64',
              FileName: picture.fileName,
              RawContent: picture.bytes,
            },
          ],
        },
      },
    });
    try {
      await ses.send(command);
    } catch (error) {
      throw withoutAddresses(error);
    }
  },
});

/** The error messages of SES contain addresses, and errors are logged. */
const withoutAddresses = (error: unknown): Error => {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return Object.assign(new Error(message.replaceAll(/[^\s<>,:;"]+/g, masked)), { name });
};
