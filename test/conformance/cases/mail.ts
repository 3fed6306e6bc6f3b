import { announce, type Case, jsonReply, markBytes, problem, receivedJpeg, upload } from './case.ts';

const wrongAddress = problem(400, 'invalid-address', 'Name one plain address, such as me@example.com.', {
  field: 'X-Notify-Email',
});

/** Who is to be told by mail. */
export const createMailCases = (photo: Buffer): readonly Case[] => {
  const bytes = photo.byteLength + markBytes;
  return [
    {
      name: 'an image, and a mail to somebody',
      ...upload({ headers: { 'X-Notify-Email': 'me@Example.com' } }),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },
    {
      name: 'an image, and a mail to somebody in the query',
      ...upload({ query: '?x-notify-email=me%2B1@example.com' }),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },
    {
      name: 'an image, and a mail to the same in the header and in the query',
      ...upload({ headers: { 'X-Notify-Email': 'me@example.com' }, query: '?X-Notify-Email=me@example.com' }),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },
    ...['me', 'Me <me@example.com>', 'a@example.com, b@example.com', 'm\u00fcller@example.com'].map(
      (address) => ({
        name: `an image, and a mail to ${JSON.stringify(address)}`,
        ...upload({ headers: { 'X-Notify-Email': address } }),
        reply: wrongAddress,
      }),
    ),
    {
      name: 'an image, and a mail to nobody',
      ...upload({ headers: { 'X-Notify-Email': '' }, query: '?X-Notify-Email=' }),
      reply: jsonReply(202, receivedJpeg(bytes)),
    },
    {
      name: 'an image, and a mail to two people',
      ...upload({ headers: { 'X-Notify-Email': 'a@example.com' }, query: '?X-Notify-Email=b@example.com' }),
      reply: wrongAddress,
    },
    {
      name: 'an image, and a mail to a stranger',
      ...upload({ headers: { 'X-Notify-Email': 'me@elsewhere.example' } }),
      reply: problem(403, 'recipient-not-allowed', 'This service sends no mail to that address.', {
        field: 'X-Notify-Email',
      }),
    },
    {
      name: 'an image, and a mail to one person more than may get one',
      before: { status: 'mailed' },
      ...upload({ headers: { 'X-Notify-Email': 'me@example.com' } }),
      reply: problem(
        429,
        'too-many-recipients',
        '20 people get a mail about this image today. Others may ask from <time>.',
        { field: 'X-Notify-Email', headers: { 'retry-after': '<until midnight>' } },
      ),
    },
    {
      name: 'an announcement, and a mail to nobody',
      request: announce({ sha256: '<id>', bytes: 1000 }, { 'X-Notify-Email': '@' }),
      reply: wrongAddress,
    },
    {
      name: 'an announcement of an image that is there, and a mail to somebody',
      before: { status: 'received' },
      request: announce({ sha256: '<id>', bytes: 1000 }, { 'X-Notify-Email': 'me@example.com' }),
      reply: problem(
        409,
        'mail-needs-bytes',
        'This image is stored already. POST the image itself, or leave X-Notify-Email out.',
        { field: 'X-Notify-Email' },
      ),
    },
  ];
};

/** Requests to a service that sends no mail. */
export const createCasesWithoutMail = (): readonly Case[] => [
  {
    name: 'an image, and a mail from a service that sends none',
    ...upload({ headers: { 'X-Notify-Email': 'me@example.com' } }),
    reply: problem(400, 'email-disabled', 'This service sends no mail: leave out X-Notify-Email.', {
      field: 'X-Notify-Email',
    }),
  },
];
