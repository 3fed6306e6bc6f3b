import { createHash } from 'node:crypto';
import {
  ChangeMessageVisibilityCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { deadLetterQueueOf, resources } from '../../local/aws.ts';
import { portsFrom } from '../../local/ports.ts';
import { quarteredPicture } from '../images.ts';
import { replySchema } from '../reply.ts';
import { type AwsClients, awsClients } from './aws-clients.ts';
import { startServicesAt } from './embedded-services.ts';
import { fillDisk, makeRoom } from './full-disk.ts';
import { freePort, startLocal, until } from './local-run.ts';
import { cleanUp, resume, suspend, temporaryFolder } from './processes.ts';
import { post, thumbnailOf, upload, uploadAndWait } from './uploads.ts';

jest.setTimeout(120_000);

afterEach(cleanUp);

/** A different image for each `width`. */
const photo = async (width: number): Promise<Buffer<ArrayBuffer>> =>
  Buffer.from(await quarteredPicture(width, 60).jpeg().toBuffer());

/** Requests a presigned upload, and returns a function that makes it. */
const presignUpload = async (port: number, image: Buffer<ArrayBuffer>): Promise<() => Promise<Response>> => {
  const sha256 = createHash('sha256').update(image).digest('hex');
  const body = JSON.stringify({ sha256, bytes: image.byteLength });
  const { upload: to } = replySchema.parse(
    await (await post(`http://127.0.0.1:${port}/dev/uploads`, body)).json(),
  );
  if (to === undefined) throw new Error('There is no upload.');
  return () => fetch(to.url, { method: 'PUT', body: image, headers: to.headers });
};

test('with a full disk uploads are refused, no process ends, and no image is lost', async () => {
  // GIVEN a ready image, and one that waits for a worker
  const local = startLocal({ folder: await temporaryFolder(), port: await freePort() });
  await local.ready();
  const finished = await uploadAndWait(local.uploadUrl, await photo(100));
  const resize = await local.pidOf('resize');
  suspend(resize);
  const waiting = await upload(local.uploadUrl, await photo(101));
  const image = await photo(102);
  const large = Buffer.concat([await photo(103), Buffer.alloc(8_000_000)]);
  const put = await presignUpload(local.port, large);

  // WHEN every write fails
  const pids = [local.pid, await local.pidOf('ingest'), resize, await local.pidOf('notify')];
  fillDisk(...pids);
  resume(resize);

  // THEN uploads are refused, and stored images can be read
  for (let again = 0; again < 3; again += 1) {
    const refused = await post(local.uploadUrl, image);
    expect(refused.status).toBe(500);
    expect(refused.headers.get('Content-Type')).toBe('application/problem+json');
    expect(await refused.json()).toMatchObject({ status: 500, code: 'internal-error' });
  }
  expect((await put()).status).toBe(500);
  expect((await fetch(finished.url)).status).toBe(200);
  expect((await fetch(finished.link)).status).toBe(200);
  const record = `http://127.0.0.1:${local.port}/dev/images/${waiting.id}`;
  expect(replySchema.parse(await (await fetch(record)).json()).status).toBe('received');
  const report = `The disk is full: .local/${local.port} cannot be written`;
  await until('the report', () => local.errors().includes(report) || undefined);
  expect(local.errors().split(report)).toHaveLength(2);

  // WHEN there is room again
  makeRoom(...pids);
  await until('the report of room', () => local.errors().includes('There is room for') || undefined);

  // THEN the same processes work again
  await thumbnailOf(waiting.url, 60_000);
  await uploadAndWait(local.uploadUrl, image);
  expect((await put()).status).toBe(200);
  expect(local.errors()).not.toContain(' died ');
  expect(local.hasEnded()).toBe(false);

  // WHEN it is killed
  await local.end('SIGKILL');
  const next = startLocal({ folder: local.folder, port: local.port });
  await next.ready();

  // THEN nothing is lost
  const kept = await post(next.uploadUrl, image);
  expect(kept.status).toBe(200);
  expect((await fetch(finished.link)).status).toBe(200);
});

test('the catalog keeps every accepted item when its writes fail several times', async () => {
  // GIVEN
  const place = { folder: await temporaryFolder(), port: await freePort() };
  const run = { folder: place.folder, ports: portsFrom(place.port) };
  const services = await startServicesAt(place, 30);
  const { catalog } = awsClients(run);
  const idOf = (index: number) => index.toString(16).padStart(64, '0');
  const receive = (index: number) => catalog.receive(idOf(index), { bytes: index + 1 }, new Date());
  const accepted: number[] = [];
  let index = 0;
  // WHEN writes fail three times, each time with several writers
  for (let round = 0; round < 3; round += 1) {
    for (const isFull of [false, true, false]) {
      if (isFull) fillDisk(services.pid);
      const writers = Array.from({ length: 20 }, () => index++);
      const outcomes = await Promise.allSettled(writers.map(receive));
      const stored = writers.filter((_, writer) => outcomes[writer]?.status === 'fulfilled');
      expect(stored).toHaveLength(isFull ? 0 : 20);
      accepted.push(...stored);
      if (!isFull) continue;
      makeRoom(services.pid);
      const reports = round + 1;
      await until('room', () => services.errors().split('There is room for').length > reports || undefined);
    }
  }
  await services.end('SIGKILL');
  // THEN
  await startServicesAt(place, 30);
  const again = awsClients(run).catalog;
  const found = await Promise.all(accepted.map((each) => again.find(idOf(each))));
  expect(found.map((record) => record?.original.bytes)).toEqual(accepted.map((each) => each + 1));
});

describe('a message whose receive cannot be written', () => {
  const queueUrlOf = (aws: AwsClients) => aws.urlOf(resources.resizeQueue);
  const receive = async (aws: AwsClients) => {
    const { Messages = [] } = await aws.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrlOf(aws),
        MaxNumberOfMessages: 10,
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      }),
    );
    return Messages.map(({ Body, Attributes, ReceiptHandle }) => ({
      Body,
      count: Attributes?.['ApproximateReceiveCount'],
      ReceiptHandle,
    }));
  };
  const release = (aws: AwsClients, ReceiptHandle: string | undefined) =>
    aws.sqs.send(
      new ChangeMessageVisibilityCommand({ QueueUrl: queueUrlOf(aws), ReceiptHandle, VisibilityTimeout: 0 }),
    );
  const start = async () => {
    const place = { folder: await temporaryFolder(), port: await freePort() };
    const services = await startServicesAt(place, 300);
    const aws = awsClients({ folder: place.folder, ports: portsFrom(place.port) });
    await aws.sqs.send(new SendMessageCommand({ QueueUrl: queueUrlOf(aws), MessageBody: 'kept' }));
    return { place, services, aws };
  };

  test('stays in the queue, and counts only successful receives', async () => {
    const { place, services, aws } = await start();
    fillDisk(services.pid);
    for (let again = 0; again < 3; again += 1) await expect(receive(aws)).rejects.toThrow();
    makeRoom(services.pid);
    const [message] = await receive(aws);
    expect(message).toMatchObject({ Body: 'kept', count: '1' });
    // WHEN it is released while every write fails
    fillDisk(services.pid);
    await release(aws, message?.ReceiptHandle);
    makeRoom(services.pid);
    // THEN
    expect(await receive(aws)).toMatchObject([{ Body: 'kept', count: '2' }]);
    await services.end('SIGKILL');
    const next = await startServicesAt(place, 300);
    expect(await aws.queued()).toBe(1);
    await next.end('SIGKILL');
  });

  test('becomes a dead letter later, and stays one after a restart', async () => {
    // GIVEN a message that has been received as often as allowed
    const { place, services, aws } = await start();
    for (let again = 0; again < 5; again += 1) {
      const [message] = await receive(aws);
      await release(aws, message?.ReceiptHandle);
    }
    // WHEN
    fillDisk(services.pid);
    await expect(receive(aws)).rejects.toThrow();
    // THEN
    expect(await aws.messages()).toEqual({ waiting: 1, inFlight: 0 });
    expect(await aws.deadLetters()).toBe(0);
    // WHEN
    makeRoom(services.pid);
    expect(await receive(aws)).toEqual([]);
    // THEN
    expect(await aws.messages()).toEqual({ waiting: 0, inFlight: 0 });
    expect(await aws.queued()).toBe(0);
    expect(await aws.messagesOf(deadLetterQueueOf(resources.resizeQueue))).toEqual({
      waiting: 1,
      inFlight: 0,
    });
    await services.end('SIGKILL');
    await startServicesAt(place, 300);
    expect(await aws.deadLetters()).toBe(1);
  });
});
