import type { Check } from '../../../../bin/commands/verify/check.ts';
import { held, NotAsExpected, type Outcome, skipped } from '../../../../bin/commands/verify/outcome.ts';
import { type Result, runChecks } from '../../../../bin/commands/verify/runner.ts';
import { createContext } from './context.ts';

const check = (name: string, run: Check['run'], rest: Partial<Check> = {}): Check => ({
  name,
  group: 'stack',
  quick: true,
  description: 'It holds.',
  run,
  ...rest,
});

const run = async (
  checks: readonly Check[],
  {
    noCaller,
    skip = [],
    signal = new AbortController().signal,
  }: { noCaller?: Outcome; skip?: readonly string[]; signal?: AbortSignal } = {},
) => {
  const seen: Result[] = [];
  const results = await runChecks(checks, createContext({ signal }), {
    noCaller,
    skip,
    onResult: (result) => seen.push(result),
  });
  expect(seen).toEqual(results);
  return results.map(({ name, status, seen: what }) => [name, status, what]);
};

const awsError = (name: string, message: string) =>
  Object.assign(new Error(message), { name, $metadata: {} });

const throwing = (name: string, error: Error): Check => check(name, () => Promise.reject(error));

test('goes on after a check that failed', async () => {
  expect(
    await run([
      throwing('broken', new NotAsExpected('The route is missing.')),
      check('fine', async () => held('It is there.')),
    ]),
  ).toEqual([
    ['broken', 'failed', 'The route is missing.'],
    ['fine', 'held', 'It is there.'],
  ]);
});

test('does not know what it may not read, and names the action', async () => {
  const denied = awsError(
    'AccessDeniedException',
    'User: arn:aws:iam::111122223333:user/me is not authorized to perform: lambda:GetFunctionConfiguration',
  );
  expect(await run([throwing('settings', denied)])).toEqual([
    ['settings', 'unknown', 'These credentials may not use lambda:GetFunctionConfiguration.'],
  ]);
});

test('counts a resource that is gone as a failure', async () => {
  const gone = awsError('ResourceNotFoundException', 'Function not found: resize');
  expect(await run([throwing('settings', gone)])).toEqual([
    ['settings', 'failed', 'Function not found: resize.'],
  ]);
});

test('ends when the credentials expire, because no other check would fare better', async () => {
  const expired = awsError('ExpiredTokenException', 'The security token included in the request is expired');
  const next = jest.fn(async () => held('fine'));
  await expect(run([throwing('stack', expired), check('next', next)])).rejects.toBe(expired);
  expect(next).not.toHaveBeenCalled();
});

test('ends when it is interrupted, without a result of that check', async () => {
  const interrupted = new AbortController();
  const waiting = check('waiting', async ({ signal }) => {
    interrupted.abort();
    signal.throwIfAborted();
    return held('fine');
  });
  const next = jest.fn(async () => held('fine'));
  expect(await run([waiting, check('next', next)], { signal: interrupted.signal })).toEqual([]);
  expect(next).not.toHaveBeenCalled();
});

test('leaves out what was asked for, and uploads without a caller, with the reason', async () => {
  const never = jest.fn(async () => held('fine'));
  expect(
    await run([check('burst', never), check('upload', never, { needsCaller: true })], {
      skip: ['burst'],
      noCaller: skipped('Needs a token.'),
    }),
  ).toEqual([
    ['burst', 'skipped', 'Left out with --skip.'],
    ['upload', 'skipped', 'Needs a token.'],
  ]);
  expect(never).not.toHaveBeenCalled();
});
