import { createProgress } from '../../bin/query/progress.ts';

const lines = jest.spyOn(console, 'error').mockImplementation();

beforeEach(() => {
  jest.useFakeTimers();
  Object.defineProperty(process.stderr, 'isTTY', { value: false, configurable: true });
});

afterEach(() => jest.useRealTimers());

const after = (milliseconds: number): void => {
  jest.setSystemTime(Date.now() + milliseconds);
};

test('a scan that is done within a second says nothing', () => {
  const progress = createProgress('cost');
  progress.show(20);
  after(900);
  progress.show(100);
  progress.end();
  expect(lines).not.toHaveBeenCalled();
});

test('a long one tells where there is no terminal how far it is, every five seconds', () => {
  const progress = createProgress('cost');
  for (const percent of [0, 10.4, 20, 30, 40, 50, 60, 70]) {
    progress.show(percent);
    after(1000);
  }
  progress.end();
  expect(lines.mock.calls).toEqual([['cost: 10 % after 1 s'], ['cost: 60 % after 6 s']]);
});
