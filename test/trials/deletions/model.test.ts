import { createRandom } from '../random.ts';
import { type Change, endingsOf } from './model.ts';
import { createPlan } from './plan.ts';

const change = (does: Change['does'], startedAt: number, endedAt: number): Change => ({
  does,
  startedAt,
  endedAt,
});

test('an image that no one changed is unknown', () => {
  expect(endingsOf([])).toEqual(new Set(['unknown']));
});

test('an image ends with the change that followed all others', () => {
  expect(endingsOf([change('upload', 0, 1), change('delete', 2, 3)])).toEqual(new Set(['deleted']));
  expect(endingsOf([change('delete', 2, 3), change('upload', 4, 5), change('upload', 0, 1)])).toEqual(
    new Set(['ready']),
  );
});

test('an image may end with any of the changes that overlapped at the end', () => {
  expect(endingsOf([change('upload', 0, 5), change('delete', 2, 3)])).toEqual(new Set(['ready', 'deleted']));
  expect(endingsOf([change('upload', 0, 1), change('upload', 2, 5), change('delete', 3, 4)])).toEqual(
    new Set(['ready', 'deleted']),
  );
});

test('the same seed gives the same plan', () => {
  const size = { operations: 100, images: 4, clients: 7, kills: 5 };
  const plan = createPlan(createRandom(1), size);
  expect(plan).toEqual(createPlan(createRandom(1), size));
  expect(plan).not.toEqual(createPlan(createRandom(2), size));
  expect(plan.clients.flat()).toHaveLength(100);
});
