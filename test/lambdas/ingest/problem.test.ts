import { errorCodes, problemKinds, problemOf, problemSchema } from '../../../lambdas/ingest/problem.ts';

test('a problem has the status and the title of its code', () => {
  expect(problemOf({ code: 'overloaded', detail: 'Retry later.' })).toEqual({
    status: 503,
    title: problemKinds.overloaded.title,
    code: 'overloaded',
    detail: 'Retry later.',
    field: undefined,
  });
});

test('every problem matches the schema of the description', () => {
  for (const code of errorCodes) problemSchema.parse(problemOf({ code, detail: 'x' }));
});

test('refuses a code without a status', () => {
  expect(() => problemOf({ code: 'toString', detail: 'x' })).toThrow(/toString/);
});
