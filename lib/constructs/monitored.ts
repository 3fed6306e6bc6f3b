import type { IMetric, IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { AlarmRow } from './alarms.ts';
import type { ServiceFunction } from './service-function.ts';
import type { WorkQueue } from './work-queue.ts';

/** The dashboard's sections to which capabilities add widgets. */
export type Section = 'health' | 'speed' | 'load' | 'failures';

/** The graphs to which several capabilities add lines. */
export type SharedGraph = 'durations' | 'imagesPerHour';

/** The sum of a metric costs `usd` for each `per` that it counts. */
export interface CostItem {
  readonly metric: IMetric;
  readonly usd: number;
  readonly per: number;
}

/** What one capability contributes to the alarms, the dashboard and the cost estimate of the service. */
export interface Monitored {
  /** @default - none */
  readonly alarms?: readonly AlarmRow[];
  /** By their names on the dashboard. @default - none */
  readonly functions?: Readonly<Record<string, ServiceFunction>>;
  /** By their names on the dashboard. @default - none */
  readonly queues?: Readonly<Record<string, WorkQueue>>;
  /** Besides the catalog. @default - none */
  readonly tables?: readonly Table[];
  /** Logs of the code that are not those of `functions`. @default - none */
  readonly logGroups?: readonly ILogGroup[];
  /** Logs of requests, without errors of the code. @default - none */
  readonly accessLogs?: readonly ILogGroup[];
  /** Widgets of its own, each 8 or 12 of 24 columns wide. @default - none */
  readonly widgets?: Readonly<Partial<Record<Section, readonly IWidget[]>>>;
  /** @default - none */
  readonly lines?: Readonly<Partial<Record<SharedGraph, readonly IMetric[]>>>;
  /** Costs besides those of its functions, queues, tables and logs, by service of AWS. @default - none */
  readonly costs?: Readonly<Record<string, readonly CostItem[]>>;
}

/** The logs of the code: those of functions, and the others. Functions may share one. */
export const logGroupsOf = (capabilities: readonly Monitored[]): readonly ILogGroup[] => [
  ...new Set(
    capabilities.flatMap(({ functions = {}, logGroups = [] }) => [
      ...Object.values(functions).map(({ logGroup }) => logGroup),
      ...logGroups,
    ]),
  ),
];
