import { GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { type MetricName, metricsNamespace } from '../../../../lambdas/runtime/metrics.ts';
import type { Check } from '../check.ts';
import { judge } from '../outcome.ts';
import { postAndWait } from '../replies.ts';
import { newPhoto } from '../test-images.ts';
import { waitFor } from '../wait.ts';

/** What an upload that becomes ready records. */
const names = ['Uploads', 'Ready', 'UploadToReadyMilliseconds'] as const satisfies readonly MetricName[];

const periodSeconds = 60;

export const metricChecks: readonly Check[] = [
  {
    name: 'metrics',
    group: 'metrics',
    quick: false,
    needsCaller: true,
    description: 'The metrics of an upload arrive in CloudWatch within five minutes.',
    async run(context) {
      const { stack, aws, startedAt, signal } = context;
      const { stackName: service } = await stack.settings();
      await postAndWait(context, await newPhoto());
      const posted = Date.now();
      const missing = await waitFor(
        async () => {
          const { MetricDataResults = [] } = await aws.cloudWatch.send(
            new GetMetricDataCommand({
              StartTime: new Date(startedAt.getTime() - periodSeconds * 1000),
              EndTime: new Date(Date.now() + periodSeconds * 1000),
              MetricDataQueries: names.map((MetricName, index) => ({
                Id: `m${index}`,
                Label: MetricName,
                MetricStat: {
                  Metric: {
                    Namespace: metricsNamespace,
                    MetricName,
                    Dimensions: [{ Name: 'service', Value: service }],
                  },
                  Period: periodSeconds,
                  Stat: 'Sum',
                },
              })),
            }),
          );
          return names.filter(
            (_, index) => !MetricDataResults.find(({ Id }) => Id === `m${index}`)?.Values?.length,
          );
        },
        (left) => left.length === 0,
        { timeoutSeconds: 300, intervalSeconds: 10, signal },
      );
      return judge(
        missing.length === 0 ? [] : [`No points of ${missing.join(', ')} after five minutes.`],
        `${names.join(', ')} after ${Math.round((Date.now() - posted) / 1000)} s.`,
      );
    },
  },
];
