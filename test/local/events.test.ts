import { SNSClient } from '@aws-sdk/client-sns';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { createEvents } from '../../lambdas/aws/events.ts';
import { imageEventSchema } from '../../lambdas/image/event.ts';
import { imageIdOf } from '../../lambdas/image/id.ts';
import { duplicateEvent, receivedEvent } from '../../lambdas/image/new-event.ts';
import { resources, topicArn } from '../../local/aws.ts';
import { endpointOf, portsFrom } from '../../local/ports.ts';
import { corruptJpeg, quarteredPicture } from '../images.ts';
import { accountOf, awsClients } from './aws-clients.ts';
import { startServicesAt } from './embedded-services.ts';
import { freePort, startLocal, until } from './local-run.ts';
import { cleanUp, temporaryFolder } from './processes.ts';
import { subscribe } from './subscriber.ts';
import { post, redirectOf, uploadAndWait } from './uploads.ts';

jest.setTimeout(60_000);

afterEach(cleanUp);

test('publishes what happens to images', async () => {
  // GIVEN
  const local = startLocal({ folder: await temporaryFolder(), port: await freePort() });
  await local.ready();
  const aws = awsClients(local);
  const published = await subscribe(local);
  const image = Buffer.from(await quarteredPicture(400, 300).jpeg().toBuffer());

  // WHEN an image is uploaded twice, its link is visited, and ten other images are broken
  const { id, link } = await uploadAndWait(local.uploadUrl, image);
  await post(local.uploadUrl, image);
  await redirectOf(link);
  const broken = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      post(local.uploadUrl, Buffer.from([...corruptJpeg(), index]), { Prefer: 'wait=20' }),
    ),
  );
  expect(broken.map(({ status }) => status)).toEqual(Array.from(broken, () => 422));
  await aws.untilNothingQueued();

  // THEN
  const events = await until('the events', async () => {
    const all = await published();
    return all.filter(({ event }) => event.type === 'image.failed').length >= 10 ? all : undefined;
  });
  const eventsOf = (isOfImage: boolean) =>
    events.filter(({ event }) => (event.imageId === id) === isOfImage).map(({ event }) => event);
  const original = { contentType: 'image/jpeg', bytes: image.byteLength };
  const decoded = { ...original, width: 400, height: 300 };
  const byType = Object.fromEntries(eventsOf(true).map((event) => [event.type, event]));
  expect(byType).toMatchObject({
    'image.received': { original },
    'image.ready': {
      original: decoded,
      thumbnails: [{ variant: 'thumbnail', contentType: 'image/webp', width: 320, height: 240 }],
      uploadToReadyMilliseconds: expect.any(Number),
    },
    'image.duplicate': { status: 'ready', original: decoded },
    'link.served': { variant: 'thumbnail' },
  });
  expect(eventsOf(true)).toHaveLength(4);
  const failed = eventsOf(false).filter(({ type }) => type === 'image.failed');
  expect(eventsOf(false)).toHaveLength(20);
  expect(failed.map((event) => 'code' in event && event.code)).toEqual(
    Array.from(broken, () => 'image-corrupt'),
  );
  expect(new Set(failed.map(({ imageId }) => imageId)).size).toBe(10);
  for (const { event, attributes } of events) {
    expect(attributes).toEqual({ type: event.type, ...('code' in event ? { code: event.code } : {}) });
  }
});

test('the notify queue has one subscription after any number of starts', async () => {
  // GIVEN
  const place = { folder: await temporaryFolder(), port: await freePort() };
  await (await startServicesAt(place, 30)).end('SIGKILL');
  await startServicesAt(place, 30);
  const run = { folder: place.folder, ports: portsFrom(place.port) };
  const aws = awsClients(run);
  const sns = new SNSClient({ ...accountOf(run), endpoint: endpointOf(run.ports.sqs) });
  const events = createEvents(topicArn(resources.imageEventsTopic), sns);
  const record = await aws.catalog.receive(imageIdOf(Buffer.from('image')), { bytes: 5 }, new Date());
  if (record === undefined) throw new Error('The image is known already.');
  // WHEN
  await events.publish(duplicateEvent(record));
  await events.publish(receivedEvent(record));
  // THEN only the event that may cause a mail arrives, without an envelope
  const QueueUrl = aws.urlOf(resources.notifyQueue);
  const { Messages = [] } = await aws.sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
  );
  expect(Messages.map(({ Body = '' }) => imageEventSchema.parse(JSON.parse(Body)).type)).toEqual([
    'image.duplicate',
  ]);
});
