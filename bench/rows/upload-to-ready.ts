import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { measuredOf, pairsOf, type Row, sharedMeasurement } from '../row.ts';
import { quantile, summaryOf } from '../statistics.ts';

const agent = new Agent({ keepAlive: true });

/** Posts an image and waits for its thumbnail. */
const upload = (url: string, body: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'image/jpeg', 'Content-Length': body.byteLength, Prefer: 'wait=20' };
    const outgoing = request(url, { method: 'POST', agent, headers }, async (incoming) => {
      const answer = await text(incoming);
      if (incoming.statusCode === 200 && answer.includes('"status":"ready"')) resolve();
      else reject(new Error(`The API replied ${incoming.statusCode} ${answer}`));
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });

const samples = sharedMeasurement(async (workbench) => {
  const { apiUrl } = await workbench.whole();
  const { file } = await workbench.photo('12 MP JPEG');
  const bare = await workbench.worker('bare/decode');
  return pairsOf(
    workbench,
    { full: 100, warmUp: 5 },
    async () => {
      const { bytes } = await workbench.another('12 MP JPEG');
      const startedAt = performance.now();
      await upload(`${apiUrl}/upload_image`, bytes);
      return performance.now() - startedAt;
    },
    async () => (await bare.run({ file, count: 1 })).wallMilliseconds,
  );
});

const against = 'bare resize';

const usually: Row = {
  key: 'upload-to-ready',
  what: 'upload to ready with the processes of npm start, one client: p50',
  against,
  goal: { be: 'at most', ratio: 2.5 },
  measure: async (workbench) => measuredOf('ms', await samples(workbench)),
};

const atWorst: Row = {
  key: 'upload-to-ready-p99',
  what: 'the same: p99',
  against: 'bare resize, p50',
  goal: { be: 'at most', ratio: 5 },
  measure: async (workbench) => {
    const pairs = await samples(workbench);
    const usual = quantile(
      pairs.map(({ theirs }) => theirs),
      0.5,
    );
    // A p99 is one value: its spread is that of the slowest upload in each tenth.
    const tenth = Math.max(1, Math.floor(pairs.length / 10));
    const worst = Array.from({ length: Math.floor(pairs.length / tenth) }, (_, index) =>
      Math.max(...pairs.slice(index * tenth, (index + 1) * tenth).map(({ ours }) => ours)),
    );
    const p99 = quantile(
      pairs.map(({ ours }) => ours),
      0.99,
    );
    const spread = summaryOf(worst);
    return {
      unit: 'ms',
      ours: { ...spread, median: p99 },
      theirs: summaryOf(pairs.map(({ theirs }) => theirs)),
      ratio: { median: p99 / usual, p10: spread.p10 / usual, p90: spread.p90 / usual },
      pairs: pairs.length,
      seen: 'its spread is that of the slowest of each ten uploads',
    };
  },
};

export const uploadRows: readonly Row[] = [usually, atWorst];
