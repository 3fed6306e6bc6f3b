import { statSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { startWorker, untilOutput } from '../jobs.ts';
import { project } from '../project.ts';
import { measuredOf, pairsOf, type Row } from '../row.ts';

/** The peaks of a function and its decoder that make one thumbnail. */
const memory: Row = {
  key: 'memory',
  what: 'peak memory of resize and its decoder, one 12 MP JPEG',
  against: 'an empty Node.js process',
  goal: { be: 'at most', ratio: 2.5 },
  measure: async (workbench) => {
    const indexFile = workbench.packaged('resize');
    const { environments, take, purge } = await workbench.services();
    const pairs = await pairsOf(
      workbench,
      { full: 10, warmUp: 1 },
      async () => {
        const worker = await startWorker('processes/resize-function', [indexFile], environments.resize);
        try {
          const { peakMiB } = await worker.run([await take((await workbench.another('12 MP JPEG')).bytes)]);
          return peakMiB;
        } finally {
          await worker.stop();
        }
      },
      async () => Number((await untilOutput('bare/empty')).output),
    );
    await purge();
    return measuredOf('MiB', pairs);
  },
};

const bundle: Row = {
  key: 'bundle',
  what: 'bundle of ingest',
  against: "the same with esbuild's defaults for Node.js",
  goal: { be: 'at most', ratio: 0.75 },
  measure: async (workbench) => {
    const { outputFiles } = buildSync({
      entryPoints: [join(project, 'lambdas/ingest/index.ts')],
      bundle: true,
      minify: true,
      platform: 'node',
      target: 'node24',
      write: false,
      define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
    });
    const theirs = outputFiles.reduce((total, { contents }) => total + contents.byteLength, 0);
    return measuredOf('bytes', [{ ours: statSync(workbench.packaged('ingest')).size, theirs }]);
  },
};

export const sizeRows: readonly Row[] = [memory, bundle];
