import { readSettings } from '../../lib/settings.ts';
import { environmentsFor } from '../../local/environments.ts';
import { isListening, type Ports } from '../../local/ports.ts';
import { quarteredPicture } from '../images.ts';
import { shownReplySchema } from '../reply.ts';
import { type AwsClients, credentialsOf } from './aws-clients.ts';
import { startEmbeddedServices } from './embedded-services.ts';
import { pidOfChild, until } from './local-run.ts';
import { cleanUp, type Running, startNode, suspend } from './processes.ts';
import { post } from './uploads.ts';

jest.setTimeout(90_000);

/** Longer than any of these tests: a message that is redelivered was released. */
const visibilityTimeoutSeconds = 300;
const settings = readSettings({});

let folder: string;
let ports: Ports;
let aws: AwsClients;

beforeAll(async () => {
  ({ folder, ports, aws } = await startEmbeddedServices(visibilityTimeoutSeconds));
});

afterAll(cleanUp);

const startIngest = async (): Promise<Running> => {
  const ingest = startNode('containers/ingest.ts', {
    folder,
    environment: environmentsFor(ports, settings, credentialsOf({ folder, ports })).ingest,
  });
  await until('ingest', async () => (await isListening(ports.api)) || undefined);
  return ingest;
};

const startWorker = async (): Promise<Running> => {
  const worker = startNode('containers/resize.ts', {
    folder,
    environment: environmentsFor(ports, settings, credentialsOf({ folder, ports })).resize,
  });
  await until('the worker', () => worker.out().includes('resize polls') || undefined);
  return worker;
};

const photo = (width: number): Promise<Buffer<ArrayBuffer>> =>
  quarteredPicture(width, 200)
    .jpeg()
    .toBuffer()
    .then((bytes) => Buffer.from(bytes));

const untilReady = (id: string) =>
  until('the thumbnails', async () => ((await aws.catalog.find(id))?.status === 'ready' ? true : undefined));

test('on SIGTERM ingest answers waiting callers immediately, and ends despite open connections', async () => {
  // GIVEN an upload on a keep-alive connection that waits for a thumbnail, and no worker
  const ingest = await startIngest();
  const answer = post(`http://127.0.0.1:${ports.api}/dev/upload_image`, await photo(300), {
    Prefer: 'wait=20',
  });
  await until('the upload', () => ingest.out().includes('upload accepted') || undefined);
  // WHEN
  const startedAt = Date.now();
  const exit = ingest.end('SIGTERM');
  // THEN
  const response = await answer;
  expect(response.status).toBe(202);
  const { id } = shownReplySchema.parse(await response.json());
  expect(await exit).toBe(0);
  expect(Date.now() - startedAt).toBeLessThan(10_000);
  // WHEN a worker starts
  const worker = await startWorker();
  await untilReady(id);
  await worker.end('SIGTERM');
});

test('on SIGTERM a worker finishes its messages and receives no others', async () => {
  const worker = await startWorker();
  const ids = await Promise.all([310, 311, 312, 313].map(async (width) => aws.upload(await photo(width))));
  expect(await worker.end('SIGTERM')).toBe(0);
  // The other messages are still in the queue: another worker makes all images ready.
  const next = await startWorker();
  for (const id of ids) await untilReady(id);
  await aws.untilNothingQueued();
  expect(await next.end('SIGTERM')).toBe(0);
  expect(await aws.deadLetters()).toBe(0);
});

test('on SIGTERM a worker releases what it cannot finish, and ends within 30 seconds', async () => {
  // GIVEN a worker whose decoder hangs
  const worker = await startWorker();
  const decoder = await pidOfChild(worker.pid, 'decoder/process.ts');
  suspend(decoder);
  const id = await aws.upload(await photo(320));
  await until('the message in flight', async () => {
    const { waiting, inFlight } = await aws.messages();
    return (waiting === 0 && inFlight > 0) || undefined;
  });
  // WHEN
  const startedAt = Date.now();
  const exit = await worker.end('SIGTERM');
  // THEN
  expect(exit).toBe(0);
  expect(Date.now() - startedAt).toBeLessThan(30_000);
  expect(worker.errors()).toContain('unfinished messages are released');
  expect(await aws.messages()).toEqual({ waiting: 1, inFlight: 0 });
  // WHEN another worker starts
  const next = await startWorker();
  // THEN it gets the message long before the visibility timeout
  await untilReady(id);
  await next.end('SIGTERM');
});
