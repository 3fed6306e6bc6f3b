import { setTimeout as sleep } from 'node:timers/promises';
import type { Cost } from '../processes/answer.ts';
import { measuredOf, pairsOf, type Row, sharedMeasurement } from '../row.ts';
import { quantile } from '../statistics.ts';

const wallOf = (pairs: readonly { readonly ours: Cost; readonly theirs: Cost }[]) =>
  pairs.map(({ ours, theirs }) => ({ ours: ours.wallMilliseconds, theirs: theirs.wallMilliseconds }));

const medianCpu = (costs: readonly Cost[]): string =>
  quantile(
    costs.map(({ cpuMilliseconds }) => cpuMilliseconds),
    0.5,
  ).toFixed(0);

/** Lets the services finish their work on the previous image. */
const quietMilliseconds = 50;

/** The packaged resize function compared with GET, sharp and PUT without checks, records or events. */
export const resizeCosts = sharedMeasurement(async (workbench) => {
  const { environments, take, bareUrls, purge } = await workbench.services();
  const resize = await workbench.worker(
    'processes/resize-function',
    [workbench.packaged('resize')],
    environments.resize,
  );
  const bare = await workbench.worker('bare/resize');
  const pairs = await pairsOf(
    workbench,
    { full: 60, warmUp: 5 },
    async () => {
      const message = await take((await workbench.another('12 MP JPEG')).bytes);
      await sleep(quietMilliseconds);
      return resize.run([message]);
    },
    async () => {
      const urls = await bareUrls((await workbench.another('12 MP JPEG')).bytes);
      await sleep(quietMilliseconds);
      return bare.run(urls);
    },
  );
  await purge();
  return pairs;
});

const resizeHandler: Row = {
  key: 'resize',
  what: 'resize handler, from the event to ready, 12 MP JPEG',
  against: 'bare GET, sharp and PUT over HTTP',
  goal: { be: 'at most', ratio: 1.2 },
  measure: async (workbench) => {
    const pairs = await resizeCosts(workbench);
    const cpu = `CPU: ${medianCpu(pairs.map(({ ours }) => ours))} against ${medianCpu(pairs.map(({ theirs }) => theirs))} ms`;
    return measuredOf('ms', wallOf(pairs), cpu);
  },
};

/** The packaged ingest function compared with one raw PUT. */
export const ingestCosts = sharedMeasurement(async (workbench) => {
  const { environments, bareUrls, purge } = await workbench.services();
  const ingest = await workbench.worker(
    'processes/ingest-function',
    [workbench.packaged('ingest')],
    environments.ingest,
  );
  const bare = await workbench.worker('bare/put');
  const pairs = await pairsOf(
    workbench,
    { full: 60, warmUp: 5 },
    async () => {
      const { file } = await workbench.another('12 MP JPEG');
      await sleep(quietMilliseconds);
      return ingest.run(file);
    },
    async () => {
      const { bytes, file } = await workbench.another('12 MP JPEG');
      const { putUrl } = await bareUrls(bytes);
      await sleep(quietMilliseconds);
      return bare.run({ file, putUrl });
    },
  );
  await purge();
  return pairs;
});

const ingestHandler: Row = {
  key: 'ingest',
  what: 'ingest handler, 12 MP JPEG (4 MB)',
  against: 'one raw PUT of the same bytes',
  goal: { be: 'at most', ratio: 1.7 },
  measure: async (workbench) => {
    const pairs = await ingestCosts(workbench);
    const cpu = `CPU: ${medianCpu(pairs.map(({ ours }) => ours))} against ${medianCpu(pairs.map(({ theirs }) => theirs))} ms`;
    return measuredOf('ms', wallOf(pairs), cpu);
  },
};

export const functionRows: readonly Row[] = [resizeHandler, ingestHandler];
