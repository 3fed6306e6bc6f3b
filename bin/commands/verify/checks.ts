import { type Check, groups } from './check.ts';
import { alarmChecks } from './checks/alarms.ts';
import { apiChecks } from './checks/api.ts';
import { brokenImageChecks } from './checks/broken-images.ts';
import { bucketChecks } from './checks/buckets.ts';
import { callerChecks } from './checks/callers.ts';
import { containerChecks } from './checks/containers.ts';
import { eventChecks } from './checks/events.ts';
import { lakeChecks } from './checks/lake.ts';
import { largeUploadChecks } from './checks/large-uploads.ts';
import { logChecks } from './checks/logs.ts';
import { mailChecks } from './checks/mail.ts';
import { metricChecks } from './checks/metrics.ts';
import { patienceChecks } from './checks/patience.ts';
import { queueChecks } from './checks/queues.ts';
import { reconcilerChecks } from './checks/reconciler.ts';
import { settingsChecks } from './checks/settings.ts';
import { stackChecks } from './checks/stack.ts';
import { uploadChecks } from './checks/uploads.ts';

const all: readonly Check[] = [
  ...stackChecks,
  ...settingsChecks,
  ...apiChecks,
  ...bucketChecks,
  ...eventChecks,
  ...alarmChecks,
  ...queueChecks,
  ...uploadChecks,
  ...largeUploadChecks,
  ...brokenImageChecks,
  ...callerChecks,
  ...reconcilerChecks,
  ...mailChecks,
  ...logChecks,
  ...metricChecks,
  ...containerChecks,
  ...patienceChecks,
  ...lakeChecks,
];

/** In the order in which they run. */
export const checks: readonly Check[] = groups.flatMap((group) =>
  all.filter((check) => check.group === group),
);
