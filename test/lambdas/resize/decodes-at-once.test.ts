import { execFileSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import { createDecoder } from '../../../lambdas/resize/decoder.ts';
import { createGate } from '../../../lambdas/resize/gate.ts';
import { imageLimitsOf, readSettings } from '../../../lib/settings.ts';
import { quarteredPicture } from '../../images.ts';

const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };

test('lets no more run at once than there are places, each in its turn, whether or not those before it fail', async () => {
  const inTurn = createGate(2);
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  const start = (name: string) => {
    const end = Promise.withResolvers<string>();
    ends.set(name, end);
    return inTurn(() => {
      begun.push(name);
      return end.promise;
    });
  };
  const results = Promise.allSettled(['a', 'b', 'c', 'd'].map(start));
  await turn();
  expect(begun).toEqual(['a', 'b']);
  ends.get('b')?.reject(new Error('b failed'));
  await turn();
  expect(begun).toEqual(['a', 'b', 'c']);
  for (const [name, { resolve }] of ends) resolve(name);
  expect((await results).map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
  ]);
  expect(begun).toEqual(['a', 'b', 'c', 'd']);
});

/** The processes that this one has started for decoding, here and in other tests. */
const decoderPids = (): readonly number[] =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
    .filter(
      ([, parent, ...words]) => Number(parent) === process.pid && words.join(' ').includes('decoder-process'),
    )
    .map(([pid]) => Number(pid));

test('an image that waits for its turn is not held to account for the time that another one takes', async () => {
  // GIVEN two images that have arrived, and a decode of the first that comes to no end
  const limits = { ...imageLimitsOf(readSettings({})), decodeTimeoutSeconds: 3 };
  const others = decoderPids();
  const decoder = createDecoder(limits, log, { decodesAtOnce: 1 });
  const variants = variantsSchema.parse([{ name: 'thumbnail' }]);
  const bytes = await quarteredPicture(400, 300).jpeg().toBuffer();
  const load = () => decoder.load({ bytes: bytes.byteLength, body: Readable.from([bytes]) });
  const first = await load();
  const [stuck = 0] = decoderPids().filter((pid) => !others.includes(pid));
  const second = await load();
  process.kill(stuck, 'SIGSTOP');
  // WHEN
  const [refused, rendered] = await Promise.allSettled([first.render(variants), second.render(variants)]);
  first.close();
  second.close();
  // THEN
  expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'decode-timeout' } });
  expect(rendered).toMatchObject({ status: 'fulfilled', value: { original: { width: 400, height: 300 } } });
});
