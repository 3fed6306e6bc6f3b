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

/** Longer than the work on one small image takes, so that only a killed worker's message comes again. */
const visibilityTimeoutSeconds = 2;

const widths = { card: 80, icon: 40 };
const settings = readSettings({
  variants: Object.entries(widths).map(([name, width]) => ({ name, width })),
});

let folder: string;
let ports: Ports;
let aws: AwsClients;
let heard: () => Promise<readonly ReceivedEvent[]>;
let proxyPorts: Ports;
/** The latest. */
let proxy: KillingProxy | undefined;

beforeAll(async () => {
  const proxyPort = await freePort();
  proxyPorts = portsFrom(proxyPort);
  ({ folder, ports, aws } = await startEmbeddedServices(visibilityTimeoutSeconds, proxyPort));
  heard = await subscribe({ folder, ports });
});

afterAll(async () => {
  await proxy?.close();
  await cleanUp();
});

/** A worker that reaches the services through a proxy of its own. */
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
  'brings every image to an end, and tells of it, when its worker is killed right %s any of its writes',
  async (moment) => {
    const killedAt: (string | undefined)[] = [];
    const ids: string[] = [];
    for (let write = 1; killedAt.length === write - 1; write += 1) {
      expect(write).toBeLessThan(10);
      // GIVEN a fresh worker, which first has to do what the killed one left
      const { proxy, worker } = await startWorker();
      for (const id of ids.slice(-1)) {
        const record = await until('the end of the image', async () => {
          const latest = await aws.catalog.find(id);
          expect(latest?.status).not.toBe('failed');
          return latest?.status === 'ready' ? latest : undefined;
        });
        expect(Object.keys(record.thumbnails)).toEqual(Object.keys(widths));
        await aws.untilNothingQueued();
      }

      // WHEN it is killed at one more write than the one before
      proxy.killAt(write, moment);
      const picture = quarteredPicture(300 + write + (moment === 'before' ? 0 : 100), 200);
      const id = await aws.take(await picture.jpeg().toBuffer());
      ids.push(id);
      await until('a kill or the end', () =>
        worker.hasEnded() || proxy.answered().includes('DeleteMessage') ? true : undefined,
      );

      // THEN it does not claim more than there is
      const record = await aws.catalog.find(id);
      expect(['received', 'ready']).toContain(record?.status);
      if (record?.status === 'ready') await expectThumbnails(id);
      if (worker.hasEnded()) killedAt.push(proxy.killedAt());
      await worker.end('SIGKILL');
    }

    // THEN every kind of write was hit, all images are ready, and nothing is left or given up
    expect(killedAt.length).toBeGreaterThanOrEqual(6);
    expect(new Set(killedAt)).toEqual(new Set(['PutObject', 'UpdateItem', 'Publish', 'DeleteMessage']));
    for (const id of ids) await expectThumbnails(id);
    expect(await Promise.all(ids.map(async (id) => (await aws.catalog.find(id))?.status))).toEqual(
      ids.map(() => 'ready'),
    );
    expect([await aws.queued(), await aws.deadLetters()]).toEqual([0, 0]);
    // THEN each was told once or more, always as the same fact
    const events = (await heard()).map(({ event }) => event);
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
