import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import sharp from 'sharp';
import { imageIdOf } from '../../lambdas/image/id.ts';
import { endedEvent } from '../../lambdas/image/new-event.ts';
import { resources } from '../../local/aws.ts';
import { corruptJpeg, quarteredPicture } from '../images.ts';
import { shownReplySchema } from '../reply.ts';
import { type AwsClients, awsClients } from './aws-clients.ts';
import { freePort, type LocalRun, startLocal, until } from './local-run.ts';
import { mailsTo, type SentMail, sentMails } from './mails.ts';
import { cleanUp, temporaryFolder } from './processes.ts';
import { post, redirectOf, uploadAndWait } from './uploads.ts';

jest.setTimeout(60_000);

let local: LocalRun;
let aws: AwsClients;
/** An SMTP server from the developer's SMTP_TRANSPORT. Nothing may connect to it. */
let smtp: Server;
let smtpConnections = 0;

beforeAll(async () => {
  smtp = createServer(() => {
    smtpConnections += 1;
  });
  await once(smtp.listen(0, '127.0.0.1'), 'listening');
  const address = smtp.address();
  const transport = { host: '127.0.0.1', port: typeof address === 'object' ? address?.port : undefined };
  local = startLocal({
    folder: await temporaryFolder(),
    port: await freePort(),
    environment: { SMTP_TRANSPORT: JSON.stringify(transport) },
  });
  await local.ready();
  aws = awsClients(local);
});

afterAll(async () => {
  await cleanUp();
  smtp.close();
});

/** A different image for each `width`. */
const photo = async (width: number): Promise<Buffer<ArrayBuffer>> =>
  Buffer.from(await quarteredPicture(width, 300).jpeg().toBuffer());

/** Waits for a mail to the recipient, and fails if there is more than one. */
const onlyMailTo = async (recipient: string): Promise<SentMail> => {
  await until(`the mail to ${recipient}`, async () => (await mailsTo(local.ports, recipient))[0]);
  await aws.untilNothingQueued();
  await aws.untilNothingQueued(resources.notifyQueue);
  const [mail, ...others] = await mailsTo(local.ports, recipient);
  expect(others).toEqual([]);
  if (mail === undefined) throw new Error('There is no mail.');
  return mail;
};

const linkIn = ({ body }: SentMail): string => /http:\S+/.exec(body.text)?.[0] ?? '';

test('sends a mail on request, with the link and a preview of the thumbnail', async () => {
  // WHEN
  const response = await post(local.uploadUrl, await photo(400), { 'X-Notify-Email': 'first@example.com' });

  // THEN
  expect(response.status).toBe(202);
  const { link } = shownReplySchema.parse(await response.json());
  const mail = await onlyMailTo('first@example.com');
  expect(mail.from).toBe('thumbnails@example.com');
  expect(mail.destination).toEqual({ to: ['first@example.com'], cc: [], bcc: [] });
  expect(linkIn(mail)).toBe(link);
  const thumbnail = await (await fetch(await redirectOf(link))).bytes();
  expect(await sharp(thumbnail).metadata()).toMatchObject({ format: 'webp', width: 320, height: 240 });
  const [, picture = ''] = /<img src="data:image\/jpeg;base64,([^"]+)"/.exec(mail.body.html) ?? [];
  expect(await sharp(Buffer.from(picture, 'base64')).metadata()).toMatchObject({
    format: 'jpeg',
    width: 240,
  });
});

test('sends one mail even if its event arrives several times', async () => {
  // GIVEN
  const image = await photo(401);
  const { id } = await uploadAndWait(local.uploadUrl, image);
  await aws.untilNothingQueued(resources.notifyQueue);
  await aws.mailRequests.add(id, 'often@example.com');
  const record = await aws.catalog.find(id);

  // WHEN
  const MessageBody = JSON.stringify(record && endedEvent(record));
  const QueueUrl = aws.urlOf(resources.notifyQueue);
  for (let time = 1; time <= 3; time += 1) {
    await aws.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  }

  // THEN
  expect(linkIn(await onlyMailTo('often@example.com'))).toContain(id);
});

test('sends a mail immediately when the image is already ready', async () => {
  const image = await photo(402);
  const { link } = await uploadAndWait(local.uploadUrl, image);
  const again = await post(`${local.uploadUrl}?x-notify-email=again@example.com`, image);
  expect(again.status).toBe(200);
  expect(linkIn(await onlyMailTo('again@example.com'))).toBe(link);
});

test('the mail about a failed image names the error', async () => {
  const response = await post(local.uploadUrl, Buffer.from(corruptJpeg()), {
    'X-Notify-Email': 'unlucky@example.com',
  });
  expect(response.status).toBe(202);
  const { body } = await onlyMailTo('unlucky@example.com');
  expect(body.text).toContain('Error code: image-corrupt');
  expect(body.html).toContain('image-corrupt');
});

test('sends no mail without a request', async () => {
  const before = await sentMails(local.ports);
  await uploadAndWait(local.uploadUrl, await photo(403));
  await aws.untilNothingQueued();
  await aws.untilNothingQueued(resources.notifyQueue);
  expect(await sentMails(local.ports)).toEqual(before);
});

test.each([
  ['a recipient who is not allowed', 'first@example.org', 403, 'recipient-not-allowed'],
  ['an invalid address', 'one@example.com, two@example.com', 400, 'invalid-address'],
])('refuses an upload for %s, and stores nothing', async (_, recipient, status, code) => {
  const image = await photo(404);
  const id = imageIdOf(image);
  const refused = await post(local.uploadUrl, image, { 'X-Notify-Email': recipient });
  expect(refused.status).toBe(status);
  expect(await refused.json()).toMatchObject({ code, field: 'X-Notify-Email' });
  expect(await aws.catalog.find(id)).toBeUndefined();
  expect(await aws.originals.head(id)).toBeUndefined();
  expect(await aws.mailRequests.of(id)).toEqual([]);
});

test('restarts a killed mail worker, which sends the pending mails', async () => {
  process.kill(await local.pidOf('notify'), 'SIGKILL');
  await post(local.uploadUrl, await photo(405), { 'X-Notify-Email': 'late@example.com' });
  await onlyMailTo('late@example.com');
  expect(local.errors()).toContain('notify died (SIGKILL)');
});

test('sends no mail to other machines, and logs no address', async () => {
  expect((await sentMails(local.ports)).length).toBeGreaterThan(4);
  expect(smtpConnections).toBe(0);
  expect(local.out() + local.errors()).not.toMatch(/(first|often|again|unlucky|late|one|two)@/);
});
