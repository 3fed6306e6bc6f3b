import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { emailAddressSchema } from '../image/email-address.ts';
import type { UploadExtension, UploadWish } from '../runtime/upload-extension.ts';
import { type AllowedRecipients, notifyHeader, requireRecipient } from './mail-request.ts';
import { createMailRequests, type MailRequests } from './mail-requests.ts';
import { MailError, type MailErrorCode } from './problems.ts';

/**
 * Lets callers ask for a mail with `X-Notify-Email`.
 *
 * @param tableName the table of mail requests; undefined when mail is off
 */
export const createMailExtension = (
  tableName: string | undefined,
  allowedRecipients: AllowedRecipients,
  dynamodb: DynamoDBClient,
): UploadExtension<MailErrorCode> =>
  tableName === undefined
    ? refuseMail
    : acceptMail(createMailRequests(tableName, dynamodb), allowedRecipients);

/** Without mail, a caller who asks for one is refused instead of ignored. */
const refuseMail: UploadExtension<MailErrorCode> = {
  read(request) {
    if (namedIn(request).length === 0) return undefined;
    throw new MailError('email-disabled', `This server sends no mail: leave out ${notifyHeader}.`, {
      field: notifyHeader,
    });
  },
  describe: () => ({ parameters: [], uploadErrors: ['email-disabled'], announceErrors: ['email-disabled'] }),
};

const acceptMail = (
  mailRequests: MailRequests,
  allowed: AllowedRecipients,
): UploadExtension<MailErrorCode> => ({
  read(request) {
    const named = namedIn(request);
    if (named.length === 0) return undefined;
    // Two different addresses are no valid address either.
    return mailTo(requireRecipient(named.join(','), allowed), mailRequests);
  },
  describe: () => {
    const errors = ['invalid-address', 'recipient-not-allowed', 'too-many-recipients'] as const;
    return {
      parameters: (['header', 'query'] as const).map((place) => ({
        name: notifyHeader,
        in: place,
        description: 'Gets a mail when the thumbnails are ready or the image has failed; empty for no mail',
        schema: z.union([emailAddressSchema, z.literal('')]),
        example: 'me@example.com',
      })),
      uploadErrors: errors,
      announceErrors: [...errors, 'mail-needs-bytes'],
    };
  },
});

const mailTo = (recipient: string, mailRequests: MailRequests): UploadWish => ({
  record: (id, presigned) => mailRequests.add(id, recipient, presigned),
  missingBytes: () =>
    new MailError(
      'mail-needs-bytes',
      `This image is stored already. POST the image itself, or leave out ${notifyHeader}.`,
      { field: notifyHeader },
    ),
});

/** The addresses in a request, each once. Names of query parameters ignore case, as those of headers do. */
const namedIn = ({ headers, url }: Request): readonly string[] => {
  const inQuery = [...new URL(url).searchParams].flatMap(([name, value]) =>
    name.toLowerCase() === notifyHeader.toLowerCase() ? [value] : [],
  );
  // An empty value names no recipient: API Gateway leaves out empty headers.
  return [...new Set([headers.get(notifyHeader) ?? '', ...inQuery])].filter((text) => text !== '');
};
