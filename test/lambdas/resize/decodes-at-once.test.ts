import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { variantsSchema } from '../../../lambdas/image/variant.ts';
import { createDecoder } from '../../../lambdas/resize/decoder.ts';
import { createGate } from '../../../lambdas/resize/gate.ts';
import { readSettings } from '../../../lib/settings.ts';
import { quarteredPicture, slowTiff } from '../../images.ts';

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

test('an image that waits for its turn is not held to account for the time that another one takes', async () => {
  // GIVEN two images that have arrived, of which the first uses up its CPU time
  const limits = { ...readSettings({}), decodeTimeoutSeconds: 1 };
  const decoder = createDecoder(limits, log, { lane: 'slow', decodesAtOnce: 1 });
  const variants = variantsSchema.parse([{ name: 'thumbnail' }]);
  const load = (bytes: Buffer) => decoder.load({ bytes: bytes.byteLength, body: Readable.from([bytes]) });
  const first = await load(slowTiff());
  const second = await load(await quarteredPicture(400, 300).jpeg().toBuffer());
  // WHEN
  const [exceeding, rendered] = await Promise.allSettled([first.render(variants), second.render(variants)]);
  first.close();
  second.close();
  // THEN
  expect(exceeding).toMatchObject({ status: 'rejected', reason: { what: 'cpu' } });
  expect(rendered).toMatchObject({ status: 'fulfilled', value: { original: { width: 400, height: 300 } } });
});
