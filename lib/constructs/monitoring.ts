import type { Duration } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { functionAlarms } from '../alarms/function-alarms.ts';
import { mailAlarms } from '../alarms/mail-alarms.ts';
import { serviceAlarms } from '../alarms/service-alarms.ts';
import { costEstimate } from '../cost-estimate.ts';
import { ownMetricsOf } from '../own-metrics.ts';
import type { Settings } from '../settings.ts';
import { Alarms } from './alarms.ts';
import { Dashboard } from './dashboard.ts';
import type { Ingest } from './ingest.ts';
import type { Notify } from './notify.ts';
import type { Reconciler } from './reconciler.ts';
import type { Resize } from './resize.ts';
import type { ResizeQueue } from './resize-queue.ts';
import type { UploadApi } from './upload-api.ts';

export interface MonitoringProps {
  readonly api: UploadApi;
  readonly ingest: Ingest;
  readonly resize: Resize;
  readonly resizeQueue: ResizeQueue;
  readonly reconciler: Reconciler;
  /** @default - mail is off */
  readonly notify?: Notify;
  readonly mailRequests?: Table;
  readonly catalog: Table;
  readonly imageEvents: Topic;
  readonly alerts: Topic;
  readonly variantCount: number;
  readonly goals: Settings['alerts'];
}

/** What a person learns of the service: by alarms, and on a dashboard. */
export class Monitoring extends Construct {
  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const { api, resizeQueue, notify, goals } = props;
    const ownMetric = ownMetricsOf(this);
    const functions = {
      ingest: props.ingest.handler,
      resize: props.resize.handler,
      reconciler: props.reconciler.handler,
      ...(notify && { notify: notify.handler }),
    };
    const queues = { resize: resizeQueue, ...(notify && { notify }) };

    const { alarms } = new Alarms(this, 'Alarms', {
      alerts: props.alerts,
      rows: [
        ...serviceAlarms({
          ownMetric,
          resizeQueue: resizeQueue.queue,
          resizeDeadLetterQueue: resizeQueue.deadLetterQueue,
          apiRequests: api.stage.metricCount({ statistic: 'Sum' }),
          apiServerErrors: api.stage.metricServerError({ statistic: 'Sum' }),
          uploadToReadyGoalSeconds: goals.uploadToReadyGoalSeconds,
        }),
        ...functionAlarms({ ownMetric, ...functions, usualImagesPerHour: goals.usualImagesPerHour }),
        ...(notify ? mailAlarms({ notifyDeadLetterQueue: notify.deadLetterQueue }) : []),
      ],
    });
    new Dashboard(this, 'Dashboard', {
      alarms,
      ownMetric,
      stage: api.stage,
      queues,
      functions,
      goals,
      costs: (period: Duration) =>
        costEstimate(
          {
            ownMetric,
            variantCount: props.variantCount,
            stage: api.stage,
            functions: Object.values(functions),
            logGroups: [...Object.values(functions).map(({ logGroup }) => logGroup), api.accessLogs],
            queues: Object.values(queues).map(({ queue }) => queue),
            catalog: props.catalog,
            mailRequests: props.mailRequests,
            imageEvents: props.imageEvents,
          },
          period,
        ),
    });
  }
}
