import { setImmediate as turn } from 'node:timers/promises';
import { variantsSchema } from '../../../../lambdas/image/variant.ts';
import { createDecoder } from '../../../../lambdas/resize/decoder/pool.ts';
import { createTurns } from '../../../../lambdas/runtime/turns.ts';
import { imageLimitsOf, readSettings } from '../../../../lib/settings.ts';
import { quarteredPicture, slowTiff } from '../../../images.ts';

const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };

test('runs at most so many tasks at once, in the order in which they came, whether or not earlier ones fail', async () => {
  const inTurn = createTurns(2);
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

test('an image that waits for its turn is not charged for the time that another one takes', async () => {
  // GIVEN two images that have arrived, of which the first uses up its CPU time
  const limits = { ...imageLimitsOf(readSettings({})), decodeTimeoutSeconds: 1 };
  const decoder = createDecoder(limits, log, { lane: 'slow', decodesAtOnce: 1 });
  const variants = variantsSchema.parse([{ name: 'thumbnail' }]);
  const [slow, photo] = [slowTiff(), await quarteredPicture(400, 300).jpeg().toBuffer()];
  const firstArrived = Promise.withResolvers<void>();
  const first = async function* () {
    yield slow;
    firstArrived.resolve();
  };
  const second = async function* () {
    await firstArrived.promise;
    yield photo;
  };
  // WHEN
  const [exceeding, rendered] = await Promise.allSettled([
    decoder.decode(first(), variants),
    decoder.decode(second(), variants),
  ]);
  // THEN
  expect(exceeding).toMatchObject({ status: 'rejected', reason: { reason: 'cpu' } });
  expect(rendered).toMatchObject({ status: 'fulfilled', value: { original: { width: 400, height: 300 } } });
});
