import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Settings } from '../settings.ts';
import type { AlarmRow } from './alarms.ts';
import type { OwnMetric } from './own-metrics.ts';

export interface ServiceAlarmsProps {
  readonly ownMetric: OwnMetric;
  readonly resizeQueue: IQueue;
  readonly resizeDeadLetterQueue: IQueue;
  readonly slowResizeQueue: IQueue;
  readonly slowResizeDeadLetterQueue: IQueue;
  readonly apiRequests: IMetric;
  readonly apiServerErrors: IMetric;
  readonly uploadToReadyGoalSeconds: Settings['alerts']['uploadToReadyGoalSeconds'];
}

const fiveMinutes = Duration.minutes(5);
const quarterOfAnHour = Duration.minutes(15);
const hour = Duration.hours(1);

/** What is to be noticed whichever way the code runs. */
export const serviceAlarms = ({ ownMetric, ...props }: ServiceAlarmsProps): readonly AlarmRow[] => [
  {
    name: 'resize-dead-letters',
    metric: props.resizeDeadLetterQueue.metricApproximateNumberOfMessagesVisible({ period: fiveMinutes }),
    limit: { atLeast: 1 },
    description:
      'The work on an image failed five times for no fault of the image, and was set aside for 14 days. Find the cause in the log of resize, then send the messages back with npm run redrive.',
  },
  {
    name: 'resize-queue-age',
    metric: props.resizeQueue.metricApproximateAgeOfOldestMessage({ period: fiveMinutes }),
    // What failed once is hidden for 720 s: its second try is no reason yet.
    limit: { above: 900 },
    description:
      'An image has waited for its thumbnails for more than 15 minutes: either images arrive faster than they are resized, or one fails again and again. See whether many messages wait or one.',
  },
  {
    name: 'slow-resize-dead-letters',
    metric: props.slowResizeDeadLetterQueue.metricApproximateNumberOfMessagesVisible({ period: fiveMinutes }),
    limit: { atLeast: 1 },
    description:
      'The work on a slow image failed five times for no fault of the image, and was set aside for 14 days. Find the cause in the log of resize, then send the messages back with npm run redrive.',
  },
  {
    name: 'slow-resize-queue-age',
    metric: props.slowResizeQueue.metricApproximateAgeOfOldestMessage({ period: fiveMinutes }),
    limit: { above: 3600 },
    description:
      'A slow image has waited for more than an hour: more slow images arrive than the slow lane processes. Other images are not delayed. See in the log of resize which images are moved to the slow lane, then raise slowResizeMaxConcurrency or lower maxPixels.',
  },
  {
    name: 'api-5xx-rate',
    metric: new MathExpression({
      expression: 'IF(FILL(failed, 0) >= 5, 100 * FILL(failed, 0) / requests, 0)',
      usingMetrics: { failed: props.apiServerErrors, requests: props.apiRequests },
      label: 'Answers that are errors of ours, %',
      period: fiveMinutes,
    }),
    limit: { above: 1 },
    description:
      'More than 1 % of all requests, and at least five, were answered with an error of ours within five minutes. See in the log of ingest what failed; if it shows nothing, see the access log of the API.',
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
      period: fiveMinutes,
    }),
    limit: { above: props.uploadToReadyGoalSeconds * 1000 },
    periods: { over: 3, of: 3 },
    description: `For 15 minutes more than one image in twenty has taken longer than ${props.uploadToReadyGoalSeconds} s from its upload to its last thumbnail. See on the dashboard whether images wait in the queue or take long to resize.`,
  },
  {
    name: 'failed-images',
    metric: new MathExpression({
      expression:
        'IF(FILL(failed, 0) + FILL(ready, 0) >= 20, 100 * FILL(failed, 0) / (FILL(failed, 0) + FILL(ready, 0)), 0)',
      usingMetrics: {
        failed: ownMetric('Failed'),
        ready: ownMetric('Ready'),
      },
      label: 'Images that failed, % of at least twenty',
      period: quarterOfAnHour,
    }),
    limit: { above: 20 },
    description:
      'More than a fifth of all images, of at least twenty, failed within 15 minutes: somebody sends what cannot be resized, or a deployment refuses good images. See on the dashboard with which codes.',
  },
  {
    name: 'runaway-resizes',
    metric: new MathExpression({
      expression: 'FILL(ready, 0) + FILL(failed, 0) - 2 * FILL(uploads, 0)',
      usingMetrics: {
        ready: ownMetric('Ready'),
        failed: ownMetric('Failed'),
        uploads: ownMetric('Uploads'),
      },
      label: 'Images that ended, less twice the uploads',
      period: hour,
    }),
    limit: { above: 100 },
    description:
      'Within an hour many more images were resized than came in. That is as it should be after a change of the variants, or when a standstill is over; otherwise something sends the same images round and round, which costs money. See in the log of resize which.',
  },
  {
    name: 'daily-budget-80-percent',
    // Over an hour, so that it does not come and go with each upload.
    metric: ownMetric('BudgetUsedPercent', { period: hour, statistic: 'Maximum' }),
    limit: { atLeast: 80 },
    description:
      'Four fifths of what may be uploaded today (UTC) are used up, by number or by bytes. See who uploads, and raise maxUploadsPerDay or maxUploadBytesPerDay if these are uploads that you want.',
  },
  {
    name: 'daily-budget-exhausted',
    metric: ownMetric('BudgetRefusals', { period: hour }),
    limit: { atLeast: 1 },
    description:
      'An upload was refused because what may be uploaded today (UTC) is used up; links and thumbnails still work. See who uploads: raise maxUploadsPerDay or maxUploadBytesPerDay, or close the API with auth.',
  },
  {
    name: 'events-unpublished',
    metric: ownMetric('EventsUnpublished', { period: fiveMinutes }),
    limit: { atLeast: 1 },
    description:
      'The topic did not take an event, and whoever subscribes does not know of it. The event is in the log of ingest: publish it again from there.',
  },
];
