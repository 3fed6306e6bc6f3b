import sharp from 'sharp';
import { readSettings } from '../../lib/settings.ts';
import { environmentsFor } from '../../local/environments.ts';
import { type Ports, portsFrom } from '../../local/ports.ts';
import { quarteredPicture } from '../images.ts';
import { type AwsClients, credentialsOf } from './aws-clients.ts';
import { startEmbeddedServices } from './embedded-services.ts';
import { type KillingProxy, type Moment, startKillingProxy } from './killing-proxy.ts';
import { freePort, until } from './local-run.ts';
import { cleanUp, type Running, startNode } from './processes.ts';
import { type ReceivedEvent, subscribe } from './subscriber.ts';

jest.setTimeout(60_000);

/** Longer than one small image takes, so that only the message of a killed worker is redelivered. */
const visibilityTimeoutSeconds = 2;

const widths = { card: 80, icon: 40 };
const settings = readSettings({
  variants: Object.entries(widths).map(([name, width]) => ({ name, width })),
});

let folder: string;
let ports: Ports;
let aws: AwsClients;
let published: () => Promise<readonly ReceivedEvent[]>;
let proxyPorts: Ports;
/** The proxy of the latest worker. */
let proxy: KillingProxy | undefined;

beforeAll(async () => {
  const proxyPort = await freePort();
  proxyPorts = portsFrom(proxyPort);
  ({ folder, ports, aws } = await startEmbeddedServices(visibilityTimeoutSeconds, proxyPort));
  published = await subscribe({ folder, ports });
});

afterAll(async () => {
  await proxy?.close();
  await cleanUp();
});

/** Starts a worker that reaches the emulators through a proxy of its own. */
const startWorker = async () => {
  await proxy?.close();
  const own = await startKillingProxy(ports, proxyPorts, () => worker.end('SIGKILL'));
  proxy = own;
  const worker: Running = startNode('containers/resize.ts', {
    folder,
    environment: environmentsFor(own.ports, settings, credentialsOf({ folder, ports })).resize,
  });
  return { proxy: own, worker };
};

const expectThumbnails = async (id: string): Promise<void> => {
  const { thumbnails } = (await aws.catalog.find(id)) ?? {};
  for (const [name, width] of Object.entries(widths)) {
    const bytes = await aws.thumbnail(thumbnails?.[name]?.key ?? '');
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', width });
  }
};

test.each<Moment>(['before', 'after'])(
  'settles every image and publishes its events although its worker is killed right %s any write',
  async (moment) => {
    const killedAt: (string | undefined)[] = [];
    const ids: string[] = [];
    for (let write = 1; killedAt.length === write - 1; write += 1) {
      expect(write).toBeLessThan(10);
      // GIVEN a new worker, which first finishes the work of the killed one
      const { proxy, worker } = await startWorker();
      for (const id of ids.slice(-1)) {
        const record = await until('thumbnails', async () => {
          const latest = await aws.catalog.find(id);
          expect(latest?.status).not.toBe('failed');
          return latest?.status === 'ready' ? latest : undefined;
        });
        expect(Object.keys(record.thumbnails)).toEqual(Object.keys(widths));
        await aws.untilNothingQueued();
      }

      // WHEN it is killed one write later than the previous one
      proxy.killAt(write, moment);
      const picture = quarteredPicture(300 + write + (moment === 'before' ? 0 : 100), 200);
      const id = await aws.upload(await picture.jpeg().toBuffer());
      ids.push(id);
      await until('a kill or the last write', () =>
        worker.hasEnded() || proxy.answered().includes('DeleteMessage') ? true : undefined,
      );

      // THEN a record that is ready has its thumbnails
      const record = await aws.catalog.find(id);
      expect(['received', 'ready']).toContain(record?.status);
      if (record?.status === 'ready') await expectThumbnails(id);
      if (worker.hasEnded()) killedAt.push(proxy.killedAt());
      await worker.end('SIGKILL');
    }

    // THEN every kind of write was interrupted, all images are ready, and no message is left
    expect(killedAt.length).toBeGreaterThanOrEqual(6);
    expect(new Set(killedAt)).toEqual(new Set(['PutObject', 'UpdateItem', 'Publish', 'DeleteMessage']));
    for (const id of ids) await expectThumbnails(id);
    expect(await Promise.all(ids.map(async (id) => (await aws.catalog.find(id))?.status))).toEqual(
      ids.map(() => 'ready'),
    );
    expect([await aws.queued(), await aws.deadLetters()]).toEqual([0, 0]);
    // THEN every event was published at least once, always with the same id
    const events = (await published()).map(({ event }) => event);
    for (const id of ids) {
      const facts = events
        .filter(({ imageId }) => imageId === id)
        .map(({ type, eventId }) => `${type} ${eventId}`);
      expect([...new Set(facts)].map((fact) => fact.split(' ')[0]).sort()).toEqual([
        'image.ready',
        'image.received',
      ]);
    }
  },
);
