import {
  asJson,
  exitCodeOf,
  lineOf,
  type Report,
  summaryOf,
} from '../../../../bin/commands/verify/report.ts';
import type { Result } from '../../../../bin/commands/verify/runner.ts';

const result = (status: Result['status'], name = 'routes'): Result => ({
  name,
  group: 'api',
  status,
  seen: 'The route GET / is missing.',
  milliseconds: 1234,
});

const report = (results: readonly Result[], rest: Partial<Report> = {}): Report => ({
  stack: 'Photos',
  region: 'eu-west-1',
  results,
  stoppedBy: undefined,
  left: [],
  ...rest,
});

test.each<[string, Report, number]>([
  ['0 if all checks held', report([result('held')]), 0],
  ['0 if one did not apply', report([result('held'), result('skipped')]), 0],
  ['1 if a check failed', report([result('held'), result('failed')]), 1],
  ['1 if another one could not be made', report([result('failed'), result('unknown')]), 1],
  ['2 if a check could not be made', report([result('held'), result('unknown')]), 2],
  ['2 if there was no check', report([]), 2],
  ['2 if the run was interrupted', report([result('held')], { stoppedBy: 'Interrupted.' }), 2],
  ['2 if something is left', report([result('held')], { left: ['Could not remove it.'] }), 2],
])('has the exit code %s', (_what, given, code) => {
  expect(exitCodeOf(given)).toBe(code);
});

test('shows a check in one line, with what was seen and how long it took', () => {
  expect(lineOf(result('failed'))).toBe(
    'FAILED   routes                 The route GET / is missing. (1.2 s)',
  );
});

test('ends with the counts and the names of failed checks', () => {
  expect(summaryOf(report([result('held', 'stage'), result('failed')]))).toBe(`
Everything that this run created is removed.
Photos in eu-west-1: 1 held, 1 failed, 0 unknown, 0 skipped.
Failed: routes`);
});

test('says what is left instead of claiming that nothing is', () => {
  const summary = summaryOf(report([result('held')], { left: ['Could not remove the image 9f86.'] }));
  expect(summary).toContain('Could not remove the image 9f86.');
  expect(summary).not.toContain('is removed');
});

test('prints the same as JSON', () => {
  expect(JSON.parse(asJson(report([result('failed')], { stoppedBy: 'Interrupted.' })))).toEqual({
    stack: 'Photos',
    region: 'eu-west-1',
    exitCode: 1,
    counts: { held: 0, failed: 1, unknown: 0, skipped: 0 },
    stoppedBy: 'Interrupted.',
    left: [],
    checks: [
      { name: 'routes', group: 'api', status: 'failed', seen: 'The route GET / is missing.', seconds: 1.2 },
    ],
  });
});
