import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { ingestContainerEnvironment } from '../../containers/environment.ts';
import { catalogTable } from '../../lambdas/aws/catalog-table.ts';
import { imageIdOf } from '../../lambdas/image/id.ts';
import { thumbnailKey } from '../../lambdas/image/keys.ts';
import { fingerprintOf } from '../../lambdas/image/record.ts';
import { ingestEnvironment } from '../../lambdas/ingest/environment.ts';
import { errorCodes } from '../../lambdas/ingest/problem.ts';
import { maxRecipientsPerDay } from '../../lambdas/notify/mail-request.ts';
import { renderImage } from '../../lambdas/resize/decoder/render.ts';
import { type ValuesOf, writeEnvironment } from '../../lambdas/runtime/environment.ts';
import { readSettings } from '../../lib/settings.ts';
import { awsEnvironment, resources } from '../../local/aws.ts';
import { valuesFor } from '../../local/environments.ts';
import { endpointOf, isListening } from '../../local/ports.ts';
import { corruptJpeg, quarteredPicture } from '../images.ts';
import { type AwsClients, awsClients, credentialsOf } from '../local/aws-clients.ts';
import { freePort, type LocalRun, startLocal, until } from '../local/local-run.ts';
import { cleanUp, resume, startNode, suspend, temporaryFolder } from '../local/processes.ts';
import { createAnnouncementCases } from './cases/announcements.ts';
import { createBrowserCases } from './cases/browsers.ts';
import { appOrigin, type Case, finished, limits, markBytes } from './cases/case.ts';
import { createMailCases, createNoMailCases } from './cases/mail.ts';
import { createReadCases } from './cases/reads.ts';
import {
  createBudgetCases,
  createCapacityCases,
  createUploadCases,
  createWorkerCases,
} from './cases/uploads.ts';
import { about, comparable, type Send, withoutTimes, withoutWait } from './exchange.ts';
import { gatewayUrl, isRouted, overHttp, throughGateway } from './targets.ts';

/**
 * One contract, three targets: the function, the container and `npm start`. They share the emulators of one
 * `npm start`, and each target runs each case with an image of its own.
 */

jest.setTimeout(60_000);

const given = { ...limits, corsOrigins: [appOrigin] };
const settings = readSettings(given);
const fingerprint = fingerprintOf(settings.variants);
const [variant] = settings.variants;

interface Target {
  readonly name: string;
  readonly apiUrl: string;
  readonly send: Send;
}

let local: LocalRun;
let aws: AwsClients;
let photo: Buffer;
/** In this order: the function behind API Gateway, the container's process, `npm start`. */
let targets: readonly [Target, Target, Target];
let withoutMail: readonly [Target, Target];
let withoutBudget: readonly [Target, Target];

type IngestValues = ValuesOf<typeof ingestEnvironment>;

const commonVariables = () => ({
  ...awsEnvironment(local.ports, credentialsOf(local)),
  POWERTOOLS_METRICS_DISABLED: 'true',
  POWERTOOLS_LOG_LEVEL: 'SILENT',
});

/** The function as Lambda loads it. It reads its environment once. */
const functionWith = async (values: IngestValues): Promise<Target> => {
  Object.assign(process.env, commonVariables(), writeEnvironment(ingestEnvironment, values));
  let send: Send | undefined;
  await jest.isolateModulesAsync(async () => {
    const { handler } = await import('../../lambdas/ingest/index.ts');
    send = throughGateway(handler);
  });
  if (send === undefined) throw new Error('The function was not loaded.');
  return { name: 'function', apiUrl: gatewayUrl, send };
};

const containerWith = async (values: ValuesOf<typeof ingestContainerEnvironment>): Promise<Target> => {
  const port = await freePort();
  startNode('containers/ingest.ts', {
    folder: await temporaryFolder(),
    environment: {
      ...commonVariables(),
      ...writeEnvironment(ingestContainerEnvironment, { ...values, port }),
    },
  });
  await until('the container', async () => (await isListening(port)) || undefined);
  const apiUrl = `${endpointOf(port)}/dev`;
  return { name: 'container', apiUrl, send: overHttp(apiUrl) };
};

beforeAll(async () => {
  photo = await quarteredPicture(60, 40).jpeg().toBuffer();
  const args = Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${JSON.stringify(value)}`]);
  local = startLocal({ folder: await temporaryFolder(), port: await freePort(), args });
  await local.ready();
  aws = awsClients(local);
  const values = valuesFor(local.ports, settings);
  const silent = { ...values, mailRequestsTable: undefined, allowedRecipients: undefined };
  const exhausted = { ...silent, maxUploadBytesPerDay: 1 };
  // Without room for any body: mail must be refused before the body is read.
  withoutMail = [await functionWith(silent), await containerWith({ ...silent, maxBytesInHand: 0 })];
  withoutBudget = [await functionWith(exhausted), await containerWith(exhausted)];
  // Last, because variables of mail stay in the environment of this process.
  const apiUrl = `${endpointOf(local.ports.api)}/dev`;
  targets = [
    await functionWith(values),
    await containerWith(values),
    { name: 'npm start', apiUrl, send: overHttp(apiUrl) },
  ];
});

afterAll(cleanUp);

const prepare = async (id: string, image: Buffer, before: NonNullable<Case['before']>): Promise<void> => {
  switch (before.status) {
    case 'received':
      await aws.catalog.receive(id, { bytes: image.byteLength, contentType: 'image/jpeg' }, new Date());
      await aws.originals.put(id, image, 'image/jpeg');
      return;
    case 'mailed':
      for (let person = 1; person <= maxRecipientsPerDay; person += 1)
        await aws.mailRequests.add(id, `person${person}@example.com`);
      return;
    case 'failed':
      await aws.catalog.fail(id, fingerprint, { bytes: 9 }, { code: before.code, detail: before.detail });
      return;
    case 'ready':
      await aws.thumbnails.put(thumbnailKey(id, variant), image, finished.thumbnail.contentType);
      await aws.catalog.finish(id, fingerprint, {
        original: finished.original,
        thumbnails: { [variant.name]: { key: thumbnailKey(id, variant), ...finished.thumbnail } },
        thumbhash: finished.thumbhash,
        resizeMilliseconds: 5,
        uploadToReadyMilliseconds: 50,
      });
      return;
    case 'deleting':
    case 'deleted':
      await prepareDeletion(id, before.status);
      return;
    case 'unreadable':
      await aws.dynamodb.send(
        new PutItemCommand({
          TableName: resources.catalogTable,
          Item: marshall({ [catalogTable.partitionKey]: id, status: 'lost' }),
        }),
      );
  }
};

const prepareDeletion = async (id: string, status: 'deleting' | 'deleted'): Promise<void> => {
  const record = await aws.catalog.receive(id, { bytes: 9 }, new Date());
  const deletion = record && (await aws.catalog.startDeletion(record));
  if (deletion === undefined) throw new Error('The deletion did not begin.');
  if (status === 'deleting') return;
  const soon = new Date(Date.now() + 3_600_000);
  await aws.catalog.takeLease(deletion, 'test', soon);
  await aws.catalog.finishDeletion(deletion, 'test', soon);
};

let marks = 0;
/** The same picture under another id. */
const marked = (image: Buffer): Buffer => {
  const mark = Buffer.alloc(markBytes);
  mark.writeUInt16BE(marks);
  marks += 1;
  return Buffer.concat([image, mark]);
};

/** The reply of a target, with placeholders for what differs. */
const replyOf = async ({ apiUrl, send }: Target, { image = photo, before, request }: Case) => {
  const subject = marked(image);
  const imageId = imageIdOf(subject);
  if (before) await prepare(imageId, subject, before);
  const { status, headers, body } = await send(about(request, subject, imageId));
  const differences = { apiUrl, s3Url: endpointOf(local.ports.s3), imageId };
  return {
    status,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        name === 'retry-after' ? withoutWait(value) : comparable(value, differences),
      ]),
    ),
    body: comparable(body, differences),
  };
};

/** The error codes of all replies so far. */
const codes = new Set<string>();

const expectReplies = async (cases: readonly Case[], of: readonly Target[]): Promise<void> => {
  const expected: object[] = [];
  const answered: object[] = [];
  for (const each of cases) {
    const reply = { ...each.reply, body: withoutTimes(each.reply.body) };
    const [, code] = /"code":"([a-z-]+)"/.exec(reply.body) ?? [];
    if (code !== undefined) codes.add(code);
    for (const target of of) {
      if (target.apiUrl === gatewayUrl && !isRouted(each.request)) continue;
      const what = { case: each.name, target: target.name };
      expected.push({ ...what, ...reply });
      answered.push({ ...what, ...(await replyOf(target, each)) });
    }
  }
  expect(answered).toEqual(expected);
};

test.each([
  ['uploads', createUploadCases],
  ['mail', createMailCases],
  ['announcements', createAnnouncementCases],
  ['records and links', createReadCases],
  ['browsers', createBrowserCases],
])('all targets reply alike to %s while no worker runs', async (_, createCases) => {
  const worker = await local.pidOf('resize');
  suspend(worker);
  try {
    await expectReplies(createCases(photo), targets);
  } finally {
    resume(worker);
  }
});

test('all targets reply alike to callers who wait for a worker', async () => {
  const rendering = await renderImage(photo, settings.variants, settings);
  const failing = renderImage(corruptJpeg(), settings.variants, settings);
  const detail = await failing.then(
    () => 'It can be decoded.',
    (error: Error) => error.message,
  );
  await expectReplies(createWorkerCases(photo, rendering, detail), targets);
});

test('function and container reply alike without mail', async () => {
  await expectReplies(createNoMailCases(), withoutMail);
});

test('function and container reply alike when the daily budget is used up', async () => {
  await expectReplies(createBudgetCases(), withoutBudget);
});

test('a container at capacity refuses uploads', async () => {
  const [, container] = withoutMail;
  await expectReplies(createCapacityCases(), [container]);
});

test('the cases cover every error code', () => {
  // Tested elsewhere: owners (callers.test.ts), tokens (auth.test.ts, as API Gateway checks them for
  // functions), slow senders (http-server.test.ts, as API Gateway shields functions from them) and foreign
  // requests (own-requests.test.ts). One code is only logged.
  const elsewhere = [
    'unauthorized',
    'issuer-unavailable',
    'owner-unknown',
    'invalid-cursor',
    'upload-too-slow',
    'unknown-host',
    'foreign-origin',
  ];
  expect([...codes].sort()).toEqual(errorCodes.filter((code) => !elsewhere.includes(code)).sort());
});
