import { Metrics as EmfMetrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { ErrorCode } from '../image/errors.ts';

/** Where CloudWatch keeps them. Each is told apart by `service`, the name of the stack. */
export const metricsNamespace = 'ThumbnailGenerator';

/** All that is counted by ourselves, each once for each fact. */
export const metricUnits = {
  /** New images. */
  Uploads: MetricUnit.Count,
  /** Images that were there already. */
  Duplicates: MetricUnit.Count,
  /** Of new images. */
  UploadedBytes: MetricUnit.Bytes,
  Ready: MetricUnit.Count,
  /** Also by `code`. */
  Failed: MetricUnit.Count,
  /** Images that the fast lane left to the slow one. */
  MovedToSlowLane: MetricUnit.Count,
  /** From the moment at which an original is stored to the moment at which its last thumbnail is. */
  UploadToReadyMilliseconds: MetricUnit.Milliseconds,
  /** Messages that failed for no fault of the image, and come again. */
  Retries: MetricUnit.Count,
  /** Events that the topic did not take: the log has them. */
  EventsUnpublished: MetricUnit.Count,
  MailsSent: MetricUnit.Count,
  /** Of a part of the daily budget, by each upload that was counted in it; 100 when one was refused. */
  BudgetUsedPercent: MetricUnit.Percent,
  /** Uploads and announcements that the daily budget had no room for. */
  BudgetRefusals: MetricUnit.Count,
  /** Messages that the data lake does not take for events. */
  EventsRefused: MetricUnit.Count,
} as const;

export type MetricName = keyof typeof metricUnits;

export interface Metrics {
  /** @param code counts them for this code as well */
  record(values: Readonly<Partial<Record<MetricName, number>>>, code?: ErrorCode): void;
}

/**
 * Metrics as lines of the log, which CloudWatch reads (CloudWatch User Guide, "Embedded metric format").
 *
 * @param service name of the stack: tells its metrics from those of another copy
 */
export const createMetrics = (service: string): Metrics => {
  const emf = new EmfMetrics({ namespace: metricsNamespace, serviceName: service });
  const publish = (values: Readonly<Record<string, number | undefined>>): void => {
    for (const [name, unit] of Object.entries(metricUnits)) {
      const value = values[name];
      if (value !== undefined) emf.addMetric(name, unit, value);
    }
    emf.publishStoredMetrics();
  };
  return {
    record(values, code) {
      publish(values);
      if (code === undefined) return;
      emf.addDimension('code', code);
      publish(values);
    },
  };
};
