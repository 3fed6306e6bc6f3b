import { setImmediate as turn } from 'node:timers/promises';
import { createTurns } from '../../lambdas/runtime/turns.ts';

test('runs a limited number of tasks at a time, in order, even if earlier ones fail', async () => {
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
