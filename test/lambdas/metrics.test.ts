import { createMetrics } from '../../lambdas/runtime/metrics.ts';

const lines = jest.spyOn(console, 'log').mockImplementation();
Object.assign(process.env, { POWERTOOLS_DEV: 'true', POWERTOOLS_METRICS_DISABLED: 'false' });
const metrics = createMetrics('Copy');

/** The metrics that CloudWatch reads from the printed lines. */
const read = () =>
  lines.mock.calls.map(([line]) => {
    const { _aws, ...values } = JSON.parse(line);
    const [{ Namespace, Dimensions, Metrics }] = _aws.CloudWatchMetrics;
    return { Namespace, Dimensions, Metrics, values };
  });

beforeEach(() => lines.mockClear());

test('prints several values as one line, with units and the name of the stack', () => {
  metrics.record({ Ready: 1, UploadToReadyMilliseconds: 812 });
  expect(read()).toEqual([
    {
      Namespace: 'ThumbnailGenerator',
      Dimensions: [['service']],
      Metrics: [
        { Name: 'Ready', Unit: 'Count' },
        { Name: 'UploadToReadyMilliseconds', Unit: 'Milliseconds' },
      ],
      values: { service: 'Copy', Ready: 1, UploadToReadyMilliseconds: 812 },
    },
  ]);
});

test('counts each failure in total and by its own code', () => {
  metrics.record({ Failed: 1 }, 'image-corrupt');
  metrics.record({ Failed: 1 }, 'decode-timeout');
  const all = { Dimensions: [['service']], values: { service: 'Copy', Failed: 1 } };
  const byCode = (code: string) => ({
    Dimensions: [['service', 'code']],
    values: { service: 'Copy', code, Failed: 1 },
  });
  expect(read()).toMatchObject([all, byCode('image-corrupt'), all, byCode('decode-timeout')]);
});

test('leaves out undefined values', () => {
  metrics.record({ Ready: 1, UploadToReadyMilliseconds: undefined });
  expect(read()[0]?.values).toEqual({ service: 'Copy', Ready: 1 });
});
