import { setTimeout as sleep } from 'node:timers/promises';
import { BusyError, createGate } from '../../lambdas/runtime/gate.ts';

const gateWith = (props: {
  readonly places: number;
  readonly maxWaiting?: number;
  readonly waitMs?: number;
}) =>
  createGate({
    what: 'Tests',
    places: props.places,
    maxWaiting: props.maxWaiting ?? 1000,
    waitMilliseconds: props.waitMs ?? 5000,
  });

test('admits as many at a time as it has places, in order of arrival', async () => {
  const gate = gateWith({ places: 3 });
  const order: number[] = [];
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const leave = await gate.enter();
      order.push(index);
      inside += 1;
      most = Math.max(most, inside);
      await sleep(1);
      inside -= 1;
      leave();
    }),
  );
  expect(most).toBe(3);
  expect(order).toEqual(Array.from({ length: 50 }, (_, index) => index));
});

test('refuses immediately when too many wait already', async () => {
  const gate = gateWith({ places: 1, maxWaiting: 2 });
  const leave = await gate.enter();
  const waiting = [gate.enter(), gate.enter()];
  await expect(gate.enter()).rejects.toThrow(BusyError);
  leave();
  (await waiting[0])?.();
  (await waiting[1])?.();
});

test('refuses after the maximum wait, and admits the next one', async () => {
  const gate = gateWith({ places: 1, waitMs: 50 });
  const leave = await gate.enter();
  await expect(gate.enter()).rejects.toThrow('Tests: no free place within 50 ms.');
  const next = gate.enter();
  leave();
  (await next)();
  (await gate.enter())();
});

test('frees a place once, however often it is given back', async () => {
  const gate = gateWith({ places: 1, waitMs: 50 });
  const leave = await gate.enter();
  leave();
  leave();
  await gate.enter();
  await expect(gate.enter()).rejects.toThrow(BusyError);
});
