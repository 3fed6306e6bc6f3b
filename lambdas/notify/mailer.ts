import { type SESv2Client, SendEmailCommand } from '@aws-sdk/client-sesv2';
import { createSESv2Client } from '../aws/clients.ts';
import { masked } from './mail-request.ts';

/** A picture that a mail's HTML shows as `cid:<id>`. */
export interface InlinePicture {
  readonly id: string;
  readonly fileName: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** The same in two ways: a mail program shows the one that it can. */
export interface Mail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** @default - the HTML shows no picture */
  readonly picture?: InlinePicture;
}

export interface Mailer {
  /**
   * Sends a mail to one person alone.
   *
   * @throws Error when SES does not take it, or does not say so in time: then nobody knows whether it was sent
   */
  send(recipient: string, mail: Mail): Promise<void>;
}

export interface MailerProps {
  /** An address that SES has verified, with or without a name. */
  readonly from: string;
  readonly configurationSet: string;
}

/** SES composes the message from these fields: no header or MIME part is made of text here. */
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
              // Otherwise SES declares the bytes to be 7-bit text (SES Developer Guide, "Working with email attachments").
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

/** SES names in its messages the addresses that it refuses, and errors are logged. */
const withoutAddresses = (error: unknown): Error => {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return Object.assign(new Error(message.replaceAll(/[^\s<>,:;"]+/g, masked)), { name });
};
