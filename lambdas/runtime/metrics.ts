import { Metrics as EmfMetrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { ImageErrorCode } from '../image/errors.ts';

/** The namespace in CloudWatch. The dimension `service` is the name of the stack. */
export const metricsNamespace = 'ThumbnailGenerator';

/** All metrics that the code records itself. */
export const metricUnits = {
  /** New images. */
  Uploads: MetricUnit.Count,
  /** Uploads of images that were stored already. */
  Duplicates: MetricUnit.Count,
  /** Of new images. */
  UploadedBytes: MetricUnit.Bytes,
  Ready: MetricUnit.Count,
  /** 0 for an image that is ready, so that the average is the share of failed images. Also by `code`. */
  Failed: MetricUnit.Count,
  /** Images that moved from the fast lane to the slow lane. */
  MovedToSlowLane: MetricUnit.Count,
  /** From storing the original to storing its last thumbnail. */
  UploadToReadyMilliseconds: MetricUnit.Milliseconds,
  /** Images of which nothing is left. */
  Deleted: MetricUnit.Count,
  /** Messages that failed for a transient reason, and are delivered again. */
  Retries: MetricUnit.Count,
  /** Events that could not be published: the log has them. */
  EventsUnpublished: MetricUnit.Count,
  MailsSent: MetricUnit.Count,
  /** How much of its share of the daily budget is used after an upload; 100 when an upload is refused. */
  BudgetUsedPercent: MetricUnit.Percent,
  /** Uploads and announcements that exceeded the daily budget. */
  BudgetRefusals: MetricUnit.Count,
  /** Messages that the data lake refused, because they are no events. */
  EventsRefused: MetricUnit.Count,
} as const;

export type MetricName = keyof typeof metricUnits;

export interface Metrics {
  /** @param code the values also count under this code */
  record(values: Readonly<Partial<Record<MetricName, number>>>, code?: ImageErrorCode): void;
}

/**
 * Writes metrics as log lines that CloudWatch reads (CloudWatch User Guide, "Embedded metric format").
 *
 * @param service the name of the stack, so that several stacks in one account stay apart
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
