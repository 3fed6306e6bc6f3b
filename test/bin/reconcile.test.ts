import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import { catalogTable } from '../../lambdas/aws/catalog-table.ts';
import { imageIdOf } from '../../lambdas/image/id.ts';
import { resources } from '../../local/aws.ts';
import { portsFrom } from '../../local/ports.ts';
import { quarteredPicture } from '../images.ts';
import { awsClients } from '../local/aws-clients.ts';
import { freePort, startLocal, until } from '../local/local-run.ts';
import { cleanUp, type Running, startNode, temporaryFolder } from '../local/processes.ts';
import { redirectOf } from '../local/uploads.ts';

jest.setTimeout(60_000);

afterEach(cleanUp);

/** Runs `npm run reconcile` to its end. */
const reconcile = async (folder: string, port: number, ...args: readonly string[]): Promise<Running> => {
  const running = startNode('bin/reconcile.ts', { args, folder, environment: { PORT: String(port) } });
  await running.ended;
  return running;
};

const longAgo = () => new Date(Date.now() - 3_600_000);

test('requeues an image whose event was lost, and expires an upload that never arrived', async () => {
  // GIVEN an image without an event, a record without an original, and a recent record
  const folder = await temporaryFolder();
  const port = await freePort();
  const services = startNode('test/local/services-process.ts', {
    args: [String(port), '30'],
    folder,
    environment: {},
  });
  await until('the services', () => services.out().includes('ready') || undefined);
  const aws = awsClients({ folder, ports: portsFrom(port) });
  const image = await quarteredPicture(400, 300).jpeg().toBuffer();
  const lost = imageIdOf(image);
  await aws.originals.put(lost, image, 'image/jpeg');
  await aws.loseMessage();
  await aws.catalog.receive(lost, { bytes: image.byteLength }, longAgo());
  const neverArrived = imageIdOf(Buffer.from('never arrived'));
  await aws.catalog.receive(neverArrived, { bytes: 10 }, longAgo());
  const recent = imageIdOf(Buffer.from('recent'));
  await aws.catalog.receive(recent, { bytes: 6 }, new Date());
  const before = await Promise.all([lost, neverArrived, recent].map(aws.catalog.find));

  // WHEN it only prints what it would do
  const dryRun = await reconcile(folder, port, '--dry-run');

  // THEN
  expect(await dryRun.ended).toBe(0);
  const report = {
    message: 'reconciled',
    backlog: 0,
    slowBacklog: 0,
    requeued: [lost],
    expired: [neverArrived],
    deletions: [],
  };
  expect(JSON.parse(dryRun.out())).toEqual({ ...report, dryRun: true });
  expect(await Promise.all([lost, neverArrived, recent].map(aws.catalog.find))).toEqual(before);
  expect(await aws.queued()).toBe(0);

  // WHEN everything starts
  await services.end('SIGKILL');
  const local = startLocal({ folder, port });
  await local.ready();

  // THEN both are settled
  const done = await until('the report', () => local.logs().find(({ message }) => message === 'reconciled'));
  expect(done).toEqual({ ...report, dryRun: false });
  await redirectOf(`http://127.0.0.1:${port}/dev/thumbnails/${lost}`);
  const { Item } = await aws.dynamodb.send(
    new GetItemCommand({ TableName: resources.catalogTable, Key: { id: { S: neverArrived } } }),
  );
  const expiry = z.object({ [catalogTable.timeToLive]: z.int() }).parse(unmarshall(Item ?? {}));
  expect(Math.abs(Number(expiry[catalogTable.timeToLive]) - Date.now() / 1000 - 86_400)).toBeLessThan(60);
  const again = await reconcile(folder, port);
  expect(JSON.parse(again.out())).toMatchObject({ dryRun: false, requeued: [], expired: [] });
});

test('fails when npm start does not run', async () => {
  const port = await freePort();
  const refused = await reconcile(await temporaryFolder(), port, '--dry-run');
  expect(await refused.ended).toBe(1);
  expect(refused.out()).toBe('');
  expect(refused.errors()).toBe(
    `\nNothing listens on port ${port + 1} (S3). Run npm start first, with the same PORT if you set one.\n\n`,
  );
});

test('fails for an unknown flag with the usage', async () => {
  const refused = await reconcile(await temporaryFolder(), await freePort(), '--dryrun');
  expect(await refused.ended).toBe(1);
  expect(refused.errors()).toContain("Unknown option '--dryrun'");
  expect(refused.errors()).toContain('npm run reconcile -- [--dry-run]');
});
