import { measuredOf, pairsOf, type Row } from '../row.ts';

/** The first images are not measured: the function is still warming up. */
const young = 100;

/** Images of one sample: Linux counts CPU in hundredths of a second. */
const block = 40;

/** Compares a function that has processed many images with one that has processed few, to find growth. */
const growth: Row = {
  key: 'growth',
  what: "the 10,000th image's CPU, 0.3 MP JPEG",
  against: "the 100th image's",
  goal: { be: 'at most', ratio: 1.02 },
  measure: async (workbench) => {
    const { environments, take, purge } = await workbench.services();
    const start = () =>
      workbench.worker('processes/resize-function', [workbench.packaged('resize')], environments.resize);
    const nextBlock = async (count: number): Promise<readonly string[]> => {
      const messages: string[] = [];
      for (let number = 0; number < count; number += 1) {
        messages.push(await take((await workbench.another('0.3 MP JPEG')).bytes));
      }
      // No worker drains this queue.
      await purge();
      return messages;
    };
    const images = workbench.times(10_000, 200);
    const size = workbench.times(block, 4);
    const old = await start();
    // The next block is stored while this one is processed.
    let next = nextBlock(100);
    for (let made = 0; made < images; made += 100) {
      const messages = await next;
      next = nextBlock(100);
      const [{ peakMiB }] = await Promise.all([old.run(messages), next]);
      workbench.progress(made, images);
      if (peakMiB > 2000)
        throw new Error(`The function used ${peakMiB.toFixed(0)} MiB after ${made} images.`);
    }
    await next;
    const fresh = await start();
    await fresh.run(await nextBlock(workbench.times(young - block, 1)));
    const [youngest, oldest] = [await fresh.run([]), await old.run([])];
    const pairs = await pairsOf(
      workbench,
      { full: 20, warmUp: 1 },
      async () => (await old.run(await nextBlock(size))).cpuMilliseconds / size,
      async () => (await fresh.run(await nextBlock(size))).cpuMilliseconds / size,
    );
    const memory = `peak memory so far: ${oldest.peakMiB.toFixed(0)} against ${youngest.peakMiB.toFixed(0)} MiB`;
    return measuredOf('ms of CPU', pairs, memory);
  },
};

export const growthRows: readonly Row[] = [growth];
