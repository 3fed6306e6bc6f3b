import { faultOf, queriesOf } from '../../../../bin/commands/verify/checks/alarms.ts';

const failures = { Namespace: 'ThumbnailGenerator', MetricName: 'Failed' };
const expression = queriesOf({
  Metrics: [
    { Id: 'failed', MetricStat: { Metric: failures, Period: 300, Stat: 'Sum' }, ReturnData: false },
    { Id: 'ready', MetricStat: { Metric: failures, Period: 300, Stat: 'Sum' }, ReturnData: false },
    { Id: 'rate', Expression: '100 * failed / (failed + ready)', ReturnData: true },
  ],
});

test('asks for every metric of an alarm, not only for its expression', () => {
  expect(expression.map(({ Id, ReturnData }) => [Id, ReturnData])).toEqual([
    ['failed', true],
    ['ready', true],
    ['rate', true],
  ]);
});

test('asks for the metric of an alarm without an expression', () => {
  expect(queriesOf({ ...failures, Period: 60, Statistic: 'Sum', Dimensions: [] })).toEqual([
    { Id: 'metric', MetricStat: { Metric: { ...failures, Dimensions: [] }, Period: 60, Stat: 'Sum' } },
  ]);
});

test('finds an alarm that cannot go off: its metrics have points, its expression has none', () => {
  const results = [
    { Id: 'failed', Values: [] },
    { Id: 'ready', Values: [1] },
    { Id: 'rate', Values: [] },
  ];
  expect(faultOf('failed-images', expression, results)).toContain('failed-images');
});

test('finds nothing wrong where nothing has happened yet', () => {
  const silent = expression.map(({ Id }) => ({ Id, Values: [] }));
  expect(faultOf('failed-images', expression, silent)).toBeUndefined();
});

test('finds an alarm whose queries CloudWatch refuses', () => {
  const refused = [{ Id: 'failed', StatusCode: 'Forbidden' as const }];
  expect(faultOf('failed-images', expression, refused)).toContain('Forbidden');
});
