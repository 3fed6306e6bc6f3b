import { Duration } from 'aws-cdk-lib';
import { GraphWidget, LogQueryWidget, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Lane } from '../../lambdas/resize/lanes.ts';
import { metricsNamespace } from '../../lambdas/runtime/metrics.ts';
import type { AlarmRow } from '../constructs/alarms.ts';
import type { Monitored } from '../constructs/monitored.ts';
import { ownMetricsOf } from '../constructs/own-metrics.ts';
import type { WorkQueue } from '../constructs/work-queue.ts';

export interface ResizeMonitoringProps {
  readonly serviceName: string;
  readonly queues: Readonly<Record<Lane, WorkQueue>>;
  readonly logGroup: ILogGroup;
  readonly uploadToReadyGoalSeconds: number;
}

const period = Duration.minutes(5);
const hour = Duration.hours(1);

/** What to watch with functions and with containers. */
export const resizeMonitoring = (props: ResizeMonitoringProps): Monitored => {
  const ownMetric = ownMetricsOf(props.serviceName);
  return {
    queues: { resize: props.queues.fast, 'slow resize': props.queues.slow },
    logGroups: [props.logGroup],
    alarms: [...queueAlarms(props.queues), ...imageAlarms(props)],
    widgets: {
      speed: [
        new GraphWidget({
          title: 'From upload to ready, ms',
          width: 12,
          left: ['p50', 'p95', 'p99'].map((statistic) =>
            ownMetric('UploadToReadyMilliseconds', { period, statistic, label: statistic }),
          ),
          leftAnnotations: [{ value: props.uploadToReadyGoalSeconds * 1000, label: 'goal for p95' }],
        }),
      ],
      failures: failureWidgets(props),
    },
    lines: {
      imagesPerHour: [
        ownMetric('Ready', { period: hour, label: 'ready' }),
        ownMetric('Failed', { period: hour, label: 'failed' }),
      ],
    },
  };
};

const queueAlarms = ({ fast, slow }: ResizeMonitoringProps['queues']): readonly AlarmRow[] => [
  ...[
    { name: 'resize-dead-letters', queue: fast.deadLetterQueue, image: 'an image' },
    { name: 'slow-resize-dead-letters', queue: slow.deadLetterQueue, image: 'a slow image' },
  ].map(({ name, queue, image }) => ({
    name,
    metric: queue.metricApproximateNumberOfMessagesVisible({ period }),
    limit: { atLeast: 1 },
    description: `Resizing ${image} failed five times although the image is not at fault; its message stays in the dead-letter queue for 14 days. Find the cause in the log of resize, then send the messages back with npm run redrive.`,
  })),
  {
    name: 'resize-queue-age',
    metric: fast.queue.metricApproximateAgeOfOldestMessage({ period }),
    // A message that failed once is hidden for 720 s: a second attempt is no reason yet.
    limit: { above: 900 },
    description:
      'An image has waited for its thumbnails for more than 15 minutes: either images arrive faster than they are resized, or one fails again and again. Check whether many messages wait or one.',
  },
  {
    name: 'slow-resize-queue-age',
    metric: slow.queue.metricApproximateAgeOfOldestMessage({ period }),
    limit: { above: 3600 },
    description:
      'A slow image has waited for more than an hour: more slow images arrive than the slow lane processes. Other images are not delayed. Look in the log of resize which images are moved to the slow lane, then raise slowResizeMaxConcurrency or lower maxPixels.',
  },
];

const imageAlarms = (props: ResizeMonitoringProps): readonly AlarmRow[] => {
  const ownMetric = ownMetricsOf(props.serviceName);
  return [
    {
      name: 'resize-errors',
      metric: ownMetric('Retries', { period }),
      limit: { atLeast: 5 },
      description:
        'At least five attempts to resize an image failed within five minutes, and the images are not at fault. Each message is delivered five times, so nothing is lost yet. Look in the log of resize for the cause.',
    },
    {
      name: 'upload-to-ready',
      metric: new MathExpression({
        expression: 'IF(images >= 10, p95, 0)',
        usingMetrics: {
          images: ownMetric('UploadToReadyMilliseconds', { statistic: 'SampleCount' }),
          p95: ownMetric('UploadToReadyMilliseconds', { statistic: 'p95' }),
        },
        label: 'From upload to ready, p95 of at least ten images, ms',
        period,
      }),
      limit: { above: props.uploadToReadyGoalSeconds * 1000 },
      periods: { over: 3, of: 3 },
      description: `For 15 minutes more than one image in twenty has taken longer than ${props.uploadToReadyGoalSeconds} s from its upload to its last thumbnail. Check on the dashboard whether images wait in the queue or take long to resize.`,
    },
    {
      name: 'failed-images',
      metric: new MathExpression({
        expression: 'IF(settled >= 20, 100 * failed, 0)',
        // Each image that is ready counts as 0, and each that failed as 1.
        usingMetrics: {
          settled: ownMetric('Failed', { statistic: 'SampleCount' }),
          failed: ownMetric('Failed', { statistic: 'Average' }),
        },
        label: 'Failed images, % of at least twenty',
        period: Duration.minutes(15),
      }),
      limit: { above: 20 },
      description:
        'More than a fifth of at least twenty images failed within 15 minutes: a client sends images that cannot be resized, or a deployment refuses good ones. The dashboard shows the error codes.',
    },
    {
      name: 'runaway-resizes',
      metric: new MathExpression({
        expression: 'settled - 2 * uploads',
        // Resize records 0 uploads with each image that it settles, so that both have data.
        usingMetrics: {
          settled: ownMetric('Failed', { statistic: 'SampleCount' }),
          uploads: ownMetric('Uploads'),
        },
        label: 'Settled images, less twice the uploads',
        period: hour,
      }),
      limit: { above: 100 },
      description:
        'Within an hour many more images were resized than uploaded. That is normal after a change of the variants or an outage; otherwise the same images are resized again and again, which costs money. Look in the log of resize which ones.',
    },
  ];
};

const failureWidgets = ({ serviceName, logGroup }: ResizeMonitoringProps) => {
  const ownMetric = ownMetricsOf(serviceName);
  return [
    new GraphWidget({
      title: 'Failed images by code',
      width: 8,
      stacked: true,
      left: [
        new MathExpression({
          expression: `SEARCH('{${metricsNamespace},service,code} MetricName="Failed" service="${serviceName}"', 'Sum', ${period.toSeconds()})`,
          label: `\${PROP('Dim.code')}`,
          period,
        }),
      ],
    }),
    new GraphWidget({
      title: 'Retries, slow images and unpublished events',
      width: 8,
      left: [
        ownMetric('Retries', { period, label: 'retried messages' }),
        ownMetric('MovedToSlowLane', { period, label: 'images moved to the slow lane' }),
        ownMetric('EventsUnpublished', { period, label: 'unpublished events' }),
      ],
    }),
    new LogQueryWidget({
      title: 'Latest refused images',
      width: 12,
      height: 8,
      logGroupNames: [logGroup.logGroupName],
      queryLines: [
        'fields @timestamp, imageId, code, detail',
        'filter message = "image refused"',
        'sort @timestamp desc',
        'limit 20',
      ],
    }),
  ];
};
