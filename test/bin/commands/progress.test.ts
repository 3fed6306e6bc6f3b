import { createProgress } from '../../../bin/commands/progress.ts';

const lines = jest.spyOn(console, 'error').mockImplementation();

beforeEach(() => {
  jest.useFakeTimers();
  Object.defineProperty(process.stderr, 'isTTY', { value: false, configurable: true });
});

afterEach(() => jest.useRealTimers());

const create = () =>
  createProgress({ name: 'cost', total: 100, describe: (percent) => `${Math.floor(percent)} %` });

const after = (milliseconds: number): void => {
  jest.setSystemTime(Date.now() + milliseconds);
};

test('prints nothing for work that ends within a second', () => {
  const progress = create();
  progress.show(20);
  after(900);
  progress.show(100);
  progress.end();
  expect(lines).not.toHaveBeenCalled();
});

test('prints a line every five seconds where there is no terminal', () => {
  const progress = create();
  for (const percent of [0, 10.4, 20, 30, 40, 50, 60, 70]) {
    progress.show(percent);
    after(1000);
  }
  progress.end();
  expect(lines.mock.calls).toEqual([['cost: 10 % after 1 s'], ['cost: 60 % after 6 s']]);
});
