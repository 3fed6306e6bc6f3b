import {
  MessageRejected,
  SESv2Client,
  SendEmailCommand,
  TooManyRequestsException,
} from '@aws-sdk/client-sesv2';
import { mockClient } from 'aws-sdk-client-mock';
import { createCatalog } from '../../../lambdas/aws/catalog.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { createMailRequests, type MailRequests } from '../../../lambdas/notify/mail-requests.ts';
import { createMailer } from '../../../lambdas/notify/mailer.ts';
import { createNotify, type NotifyDependencies } from '../../../lambdas/notify/notify.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { type LateCatalog, lateCatalog } from '../../late-catalog.ts';

const ses = mockClient(SESv2Client);
const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const metrics = { record: jest.fn() };
const ada = 'ada@example.com';
const grace = 'grace@example.org';
const throttled = () =>
  new TooManyRequestsException({ message: 'Maximum sending rate exceeded', $metadata: {} });

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: LateCatalog;
let mailRequests: MailRequests;
let id = '';
let images = 0;

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = lateCatalog(createCatalog(server.tableName, server.client));
  mailRequests = createMailRequests(server.mailRequestsTableName, server.client);
});
afterAll(() => server.stop());

beforeEach(async () => {
  images += 1;
  id = imageIdOf(Buffer.from(`image ${images}`));
  jest.clearAllMocks();
  ses.reset();
  ses.on(SendEmailCommand).resolves({});
  await catalog.fail(id, 'present', { bytes: 17 }, { code: 'image-corrupt', detail: 'It is damaged.' });
});
afterEach(() => jest.restoreAllMocks());

const notifyWith = (props: Partial<NotifyDependencies> = {}) =>
  createNotify({
    catalog,
    mailRequests,
    mailer: createMailer(
      { from: 'Thumbnails <thumbnails@example.net>', configurationSet: 'mails' },
      new SESv2Client({ region: 'us-east-2' }),
    ),
    preview: async () => undefined,
    apiUrl: 'https://api.example/dev',
    metrics,
    log,
    ...props,
  });

const inputs = () => ses.commandCalls(SendEmailCommand).map(({ args }) => args[0].input);
const recipients = () => inputs().map(({ Destination }) => Destination?.ToAddresses);
const waiting = async () => (await mailRequests.of(id)).map(({ recipient }) => recipient);

/** The message of a dead consumer stays hidden for 3 minutes. */
const letClaimsEnd = () => {
  const later = Date.now() + 180_000;
  jest.spyOn(Date, 'now').mockReturnValue(later);
};

const mailTo = (recipient: string) => ses.on(SendEmailCommand, { Destination: { ToAddresses: [recipient] } });

test('passes each part of a mail to SES in its own field', async () => {
  await catalog.finish(id, 'present', {
    original: { bytes: 17 },
    thumbnails: {},
    thumbhash: undefined,
    resizeMilliseconds: 1,
    uploadToReadyMilliseconds: undefined,
  });
  await mailRequests.add(id, ada);
  const bytes = Buffer.from('a picture');
  const picture = { id: 'preview', fileName: 'preview.jpg', contentType: 'image/jpeg', bytes };
  await notifyWith({ preview: async () => ({ ...picture, width: 4, height: 3 }) })(id);
  const utf8 = (part: string) => ({ Charset: 'UTF-8', Data: expect.stringContaining(part) });
  expect(inputs()).toEqual([
    {
      ConfigurationSetName: 'mails',
      FromEmailAddress: 'Thumbnails <thumbnails@example.net>',
      Destination: { ToAddresses: [ada] },
      Content: {
        Simple: {
          Subject: utf8('Your thumbnail is ready'),
          Body: { Text: utf8('Your thumbnail is ready'), Html: utf8('<h1') },
          Attachments: [
            {
              ContentDisposition: 'INLINE',
              ContentId: 'preview',
              ContentType: 'image/jpeg',
              ContentTransferEncoding: 'BASE64',
              FileName: 'preview.jpg',
              RawContent: bytes,
            },
          ],
        },
      },
    },
  ]);
});

test('sends no mail for unproven requests, and leaves them to expire', async () => {
  const expiresAt = new Date(Date.now() + 3_600_000);
  await catalog.fail(
    id,
    'later',
    { bytes: 17 },
    { code: 'image-corrupt', detail: 'It is damaged.' },
    'the upload that stored it',
  );
  await mailRequests.add(id, ada);
  await mailRequests.add(id, 'attacker@example.com', { uploadId: 'another upload', expiresAt });
  await mailRequests.add(id, grace, { uploadId: 'the upload that stored it', expiresAt });
  await notifyWith()(id);
  expect(recipients()).toEqual([[ada], [grace]]);
  expect(await mailRequests.of(id, 'the upload that stored it')).toEqual([]);
  expect(await mailRequests.of(id, 'another upload')).toHaveLength(1);
});

test('sends one mail for a message that is delivered three times at the same time', async () => {
  await mailRequests.add(id, ada);
  const notify = notifyWith();
  const outcomes = await Promise.allSettled([notify(id), notify(id), notify(id)]);
  expect(inputs()).toHaveLength(1);
  expect(outcomes).toContainEqual({ status: 'fulfilled', value: undefined });
  // WHEN the failed messages are delivered again
  await notify(id);
  expect(inputs()).toHaveLength(1);
});

test('fails a message whose mail another process is sending, because that may die', async () => {
  await mailRequests.add(id, ada);
  const notify = notifyWith();
  ses.on(SendEmailCommand).callsFakeOnce(async () => {
    await expect(notify(id)).rejects.toThrow('Another process is sending the mail');
    return {};
  });
  await notify(id);
  expect(inputs()).toHaveLength(1);
});

test('keeps the request of a mail that SES refuses, and sends it once the claim has ended', async () => {
  await mailRequests.add(id, ada);
  ses.on(SendEmailCommand).rejectsOnce(throttled());
  await expect(notifyWith()(id)).rejects.toMatchObject({ name: 'TooManyRequestsException' });
  expect(metrics.record).not.toHaveBeenCalled();
  expect(await waiting()).toEqual([ada]);
  // WHEN the message is delivered again too early
  await expect(notifyWith()(id)).rejects.toThrow('Another process is sending the mail');
  expect(inputs()).toHaveLength(1);
  // WHEN it is delivered again
  letClaimsEnd();
  await notifyWith()(id);
  expect(inputs()).toHaveLength(2);
  expect(metrics.record.mock.calls).toEqual([[{ MailsSent: 1 }]]);
  expect(await waiting()).toEqual([]);
});

test('sends all other mails when one recipient fails', async () => {
  await mailRequests.add(id, ada);
  await mailRequests.add(id, grace);
  mailTo(ada).rejects(throttled());
  await expect(notifyWith()(id)).rejects.toMatchObject({ name: 'TooManyRequestsException' });
  expect(await waiting()).toEqual([ada]);
  letClaimsEnd();
  mailTo(ada).resolves({});
  await notifyWith()(id);
  expect(recipients()).toEqual([[ada], [grace], [ada]]);
});

test('logs a refusal of SES without an address', async () => {
  await mailRequests.add(id, ada);
  mailTo(ada).rejects(
    new MessageRejected({
      message: `Email address is not verified. The following identities failed the check: ${ada}, Ada <${ada}>`,
      $metadata: {},
    }),
  );
  const error = await notifyWith()(id).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    name: 'MessageRejected',
    message: expect.stringContaining('failed the check: a…@example.com, Ada <a…@example.com>'),
  });
  expect(log.warn.mock.calls).toEqual([
    ['mail not sent', { imageId: id, recipient: 'a…@example.com', error }],
  ]);
});

test('sends a mail again when it is unknown whether it was sent', async () => {
  await mailRequests.add(id, ada);
  const remove = jest.fn(mailRequests.remove).mockRejectedValueOnce(new Error('the process dies here'));
  const notify = notifyWith({ mailRequests: { ...mailRequests, remove } });
  await expect(notify(id)).rejects.toThrow('dies here');
  letClaimsEnd();
  await notify(id);
  expect(recipients()).toEqual([[ada], [ada]]);
  expect(await waiting()).toEqual([]);
});

test('keeps a request that is added while an earlier mail to the recipient is being sent', async () => {
  await mailRequests.add(id, ada);
  ses.on(SendEmailCommand).callsFakeOnce(async () => {
    await mailRequests.add(id, ada);
    return {};
  });
  await notifyWith()(id);
  expect(await waiting()).toEqual([ada]);
  await notifyWith()(id);
  expect(inputs()).toHaveLength(2);
});
