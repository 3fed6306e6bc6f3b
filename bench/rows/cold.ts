import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { postEvent } from '../../test/events.ts';
import { untilOutput } from '../jobs.ts';
import { benchFolder } from '../project.ts';
import { measuredOf, pairsOf, type Row } from '../row.ts';
import type { Workbench } from '../workbench.ts';

/** From the start of the process until the reply to an upload of a small photo. */
const measureIngest = async (workbench: Workbench, environment: Readonly<Record<string, string>>) => {
  const indexFile = workbench.packaged('ingest');
  const { environments } = await workbench.services();
  const eventFile = join(benchFolder, 'cold-event.json');
  const pairs = await pairsOf(
    workbench,
    { full: 40, warmUp: 3 },
    async () => {
      const { bytes } = await workbench.another('0.3 MP JPEG');
      writeFileSync(eventFile, JSON.stringify(postEvent('/upload_image', bytes)));
      const { milliseconds, output } = await untilOutput('processes/first-reply', [indexFile, eventFile], {
        ...environments.ingest,
        ...environment,
      });
      if (output !== '202') throw new Error(`The function replied ${output}.`);
      return milliseconds;
    },
    async () => (await untilOutput('bare/empty')).milliseconds,
  );
  return measuredOf('ms', pairs);
};

const ingestCold: Row = {
  key: 'ingest-cold',
  what: 'ingest cold: from the process to its first reply',
  against: 'an empty Node.js process',
  goal: { be: 'at most', ratio: 3.4 },
  measure: (workbench) => measureIngest(workbench, {}),
};

const ingestColdCached: Row = {
  key: 'ingest-cold-cached',
  what: 'the same with a compile cache',
  against: 'an empty Node.js process',
  goal: { be: 'at most', ratio: 2.6 },
  measure: async (workbench) => {
    const cache = join(benchFolder, 'compile-cache');
    rmSync(cache, { recursive: true, force: true });
    mkdirSync(cache, { recursive: true });
    return measureIngest(workbench, { NODE_COMPILE_CACHE: cache });
  },
};

const resizeCold: Row = {
  key: 'resize-cold',
  what: 'resize cold: until it and its decoder are loaded',
  against: "Node.js and require('sharp')",
  goal: { be: 'at most', ratio: 1.3 },
  measure: async (workbench) => {
    const indexFile = workbench.packaged('resize');
    const { environments } = await workbench.services();
    const pairs = await pairsOf(
      workbench,
      { full: 40, warmUp: 3 },
      async () =>
        (await untilOutput('processes/decoder-ready', [indexFile], environments.resize)).milliseconds,
      async () => (await untilOutput('bare/require-sharp', [indexFile])).milliseconds,
    );
    return measuredOf('ms', pairs);
  },
};

export const coldRows: readonly Row[] = [ingestCold, ingestColdCached, resizeCold];
