import { ingestContainerEnvironment, resizeContainerEnvironment } from '../containers/environment.ts';
import { deleteEnvironment } from '../lambdas/delete/environment.ts';
import { reconcileEnvironment } from '../lambdas/reconcile/environment.ts';
import { writeEnvironment, writeVariables } from '../lambdas/runtime/environment.ts';
import type { EmailSettings } from '../lib/notify/settings.ts';
import type { Settings } from '../lib/settings.ts';
import { awsEnvironment, queueUrl, resources, topicArn } from './aws.ts';
import type { Credentials } from './data-folder.ts';
import { hostsAt } from './emulators/own-requests-only.ts';
import { endpointOf, host, type Ports } from './ports.ts';
import { lakeWorkerEnvironment, notifyWorkerEnvironment } from './workers/environment.ts';

/** The message of a killed worker is visible again before its image counts as lost. */
const overdueSeconds = 60;

export const apiUrlOf = ({ api }: Ports, { stage }: Settings): string => `${endpointOf(api)}/${stage}`;

/** Mail is always on, because no mail leaves this machine. */
export const emailOf = ({ email }: Settings): Pick<EmailSettings, 'from' | 'allowedRecipients'> =>
  email ?? { from: 'thumbnails@example.com', allowedRecipients: ['example.com'] };

/** For an API that only this machine may use. */
export const listeningAt = (port: number) =>
  writeVariables(ingestContainerEnvironment, { host, port, allowedHosts: [...hostsAt(port)] });

/** All values that a process may read from its environment, as in a deployment. */
export const valuesFor = (ports: Ports, settings: Settings) => {
  const urlOf = (queue: string): string => queueUrl(endpointOf(ports.sqs), queue);
  const { from, allowedRecipients } = emailOf(settings);
  return {
    ...settings,
    ...resources,
    ownersTable: settings.auth === 'none' ? undefined : resources.ownersTable,
    resizeQueueUrl: urlOf(resources.resizeQueue),
    slowResizeQueueUrl: urlOf(resources.slowResizeQueue),
    deleteQueueUrl: urlOf(resources.deleteQueue),
    notifyQueueUrl: urlOf(resources.notifyQueue),
    dataLakeQueueUrl: urlOf(resources.dataLakeQueue),
    imageEventsTopicArn: topicArn(resources.imageEventsTopic),
    apiUrl: apiUrlOf(ports, settings),
    mailFrom: from,
    allowedRecipients,
    overdueSeconds,
    maxBacklog: 10,
  };
};

/** The complete environment of each process. */
export const environmentsFor = (ports: Ports, settings: Settings, credentials: Credentials) => {
  const values = valuesFor(ports, settings);
  const common = {
    ...awsEnvironment(ports, credentials),
    // Nothing collects metrics here, and the log shows more without them.
    POWERTOOLS_METRICS_DISABLED: 'true',
  };
  const withCommon = (own: Readonly<Record<string, string>>): Readonly<Record<string, string>> => ({
    ...common,
    ...own,
  });
  return {
    ingest: withCommon({
      ...writeEnvironment(ingestContainerEnvironment, values),
      ...listeningAt(ports.api),
    }),
    resize: withCommon(writeEnvironment(resizeContainerEnvironment, values)),
    notify: withCommon(writeEnvironment(notifyWorkerEnvironment, values)),
    delete: withCommon(writeEnvironment(deleteEnvironment, values)),
    lake: withCommon(writeEnvironment(lakeWorkerEnvironment, values)),
    reconcile: withCommon(writeEnvironment(reconcileEnvironment, values)),
  };
};
