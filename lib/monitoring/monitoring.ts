import type { Duration } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { ServiceFunction } from '../constructs/service-function.ts';
import type { WorkQueue } from '../constructs/work-queue.ts';
import { containerAlarms } from '../containers/container-alarms.ts';
import type { Containers } from '../containers/containers.ts';
import { costEstimate } from '../cost/cost-estimate.ts';
import type { Ingest } from '../ingest/ingest.ts';
import type { UploadApi } from '../ingest/upload-api.ts';
import { mailAlarms } from '../notify/mail-alarms.ts';
import type { Notify } from '../notify/notify.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
import type { ResizeFunction } from '../resize/resize-function.ts';
import { resizeFunctionAlarms } from '../resize/resize-function-alarms.ts';
import type { ResizeQueue } from '../resize/resize-queue.ts';
import type { Settings } from '../settings.ts';
import { Alarms } from './alarms.ts';
import { Dashboard } from './dashboard.ts';
import { functionAlarms } from './function-alarms.ts';
import { ownMetricsOf } from './own-metrics.ts';
import { serviceAlarms } from './service-alarms.ts';

/** What resizes, and with containers also takes uploads in. */
export type Compute =
  | { readonly resizeFunction: ResizeFunction; readonly slowResizeFunction: ResizeFunction }
  | { readonly containers: Containers };

export interface MonitoringProps {
  readonly api: UploadApi;
  readonly ingest: Ingest;
  readonly compute: Compute;
  readonly resizeQueue: ResizeQueue;
  readonly slowResizeQueue: WorkQueue;
  readonly reconciler: Reconciler;
  /** @default - mail is off */
  readonly notify?: Notify;
  readonly mailRequests?: Table;
  readonly catalog: Table;
  readonly admission: Table;
  readonly imageEvents: Topic;
  readonly alerts: Topic;
  readonly variantCount: number;
  readonly goals: Settings['alerts'];
}

/** What a person learns of the service: by alarms, and on a dashboard. */
export class Monitoring extends Construct {
  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const { api, compute, resizeQueue, slowResizeQueue, notify, goals } = props;
    const ownMetric = ownMetricsOf(this);
    const containers = 'containers' in compute ? compute.containers : undefined;
    const functions = {
      ingest: props.ingest.handler,
      ...('resizeFunction' in compute && {
        resize: compute.resizeFunction,
        'slow resize': compute.slowResizeFunction,
      }),
      reconciler: props.reconciler.handler,
      ...(notify && { notify: notify.handler }),
    };
    const { 'slow resize': _, ...functionsWithLogs } = functions;
    const logs = {
      ...logsOf(functionsWithLogs),
      resize: 'containers' in compute ? compute.containers.resize.logGroup : compute.resizeFunction.logGroup,
    };
    const queues = { resize: resizeQueue, 'slow resize': slowResizeQueue, ...(notify && { notify }) };
    const { usualImagesPerHour } = goals;

    const { alarms } = new Alarms(this, 'Alarms', {
      alerts: props.alerts,
      rows: [
        ...serviceAlarms({
          ownMetric,
          resizeQueue: resizeQueue.queue,
          resizeDeadLetterQueue: resizeQueue.deadLetterQueue,
          slowResizeQueue: slowResizeQueue.queue,
          slowResizeDeadLetterQueue: slowResizeQueue.deadLetterQueue,
          apiRequests: api.stage.metricCount({ statistic: 'Sum' }),
          apiServerErrors: api.stage.metricServerError({ statistic: 'Sum' }),
          uploadToReadyGoalSeconds: goals.uploadToReadyGoalSeconds,
        }),
        ...functionAlarms(functions),
        ...('containers' in compute
          ? containerAlarms({
              ownMetric,
              containers: compute.containers,
              resizeQueue: resizeQueue.queue,
              usualImagesPerHour,
            })
          : resizeFunctionAlarms({
              ownMetric,
              resize: compute.resizeFunction,
              slowResize: compute.slowResizeFunction,
              usualImagesPerHour,
            })),
        ...(notify ? mailAlarms({ notifyDeadLetterQueue: notify.deadLetterQueue }) : []),
      ],
    });
    new Dashboard(this, 'Dashboard', {
      alarms,
      ownMetric,
      stage: api.stage,
      queues,
      functions,
      containers,
      logs,
      goals,
      costs: (period: Duration) =>
        costEstimate(
          {
            ownMetric,
            variantCount: props.variantCount,
            stage: api.stage,
            functions: Object.values(functions),
            containers,
            logGroups: [...Object.values(logs), api.accessLogs],
            queues: Object.values(queues).map(({ queue }) => queue),
            catalog: props.catalog,
            admission: props.admission,
            mailRequests: props.mailRequests,
            imageEvents: props.imageEvents,
          },
          period,
        ),
    });
  }
}

const logsOf = (functions: Readonly<Record<string, ServiceFunction>>): Readonly<Record<string, ILogGroup>> =>
  Object.fromEntries(Object.entries(functions).map(([name, { logGroup }]) => [name, logGroup]));
