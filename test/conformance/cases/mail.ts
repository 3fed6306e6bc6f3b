import { announce, type Case, jsonReply, markBytes, problem, receivedJpeg, upload } from './case.ts';

const wrongAddress = problem(400, 'invalid-address', 'Name one plain address, such as me@example.com.', {
  field: 'X-Notify-Email',
});

/** Uploads that ask for a mail. */
export const createMailCases = (photo: Buffer): readonly Case[] => {
  const bytes = photo.byteLength + markBytes;
  return [
    {
      name: 'an image, with a recipient in the header',
      ...upload({ headers: { 'X-Notify-Email': 'me@Example.com' } }),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },
    {
      name: 'an image, with a recipient in the query',
      ...upload({ query: '?x-notify-email=me%2B1@example.com' }),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },
    {
      name: 'an image, with the same recipient in the header and in the query',
      ...upload({ headers: { 'X-Notify-Email': 'me@example.com' }, query: '?X-Notify-Email=me@example.com' }),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },
    ...['me', 'Me <me@example.com>', 'a@example.com, b@example.com', 'm\u00fcller@example.com'].map(
      (address) => ({
        name: `an image, with the recipient ${JSON.stringify(address)}`,
        ...upload({ headers: { 'X-Notify-Email': address } }),
        reply: wrongAddress,
      }),
    ),
    {
      name: 'an image, with an empty recipient',
      ...upload({ headers: { 'X-Notify-Email': '' }, query: '?X-Notify-Email=' }),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },
    {
      name: 'an image, with two recipients',
      ...upload({ headers: { 'X-Notify-Email': 'a@example.com' }, query: '?X-Notify-Email=b@example.com' }),
      reply: wrongAddress,
    },
    {
      name: 'an image, with a recipient who is not allowed',
      ...upload({ headers: { 'X-Notify-Email': 'me@elsewhere.example' } }),
      reply: problem(
        403,
        'recipient-not-allowed',
        'This server sends no mail to that address. The setting email.allowedRecipients names who gets mail, for example: npm start -- -c \'email={"from":"me@example.com","allowedRecipients":["example.com"]}\'',
        {
          field: 'X-Notify-Email',
        },
      ),
    },
    {
      name: 'an image, with one recipient too many',
      before: { status: 'mailed' },
      ...upload({ headers: { 'X-Notify-Email': 'me@example.com' } }),
      reply: problem(
        429,
        'too-many-recipients',
        'This image has 20 recipients today. Further ones are accepted from <time>.',
        { field: 'X-Notify-Email', headers: { 'retry-after': '<until midnight>' } },
      ),
    },
    {
      name: 'an announcement, with a malformed recipient',
      request: announce({ sha256: '<id>', bytes: 1000 }, { 'X-Notify-Email': '@' }),
      reply: wrongAddress,
    },
    {
      name: 'an announcement of a stored image, with a recipient',
      before: { status: 'received' },
      request: announce({ sha256: '<id>', bytes: 1000 }, { 'X-Notify-Email': 'me@example.com' }),
      reply: problem(
        409,
        'mail-needs-bytes',
        'This image is stored already. POST the image itself, or leave out X-Notify-Email.',
        { field: 'X-Notify-Email' },
      ),
    },
  ];
};

/** Requests to a target without mail. */
export const createNoMailCases = (): readonly Case[] => [
  {
    name: 'an image, with a recipient, and mail is off',
    ...upload({ headers: { 'X-Notify-Email': 'me@example.com' } }),
    reply: problem(400, 'email-disabled', 'This server sends no mail: leave out X-Notify-Email.', {
      field: 'X-Notify-Email',
    }),
  },
];
