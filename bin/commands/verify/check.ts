import type { Api } from './api.ts';
import type { AwsClients } from './aws.ts';
import type { DeployedStack } from './deployed-stack.ts';
import type { Outcome } from './outcome.ts';
import type { OwnImages } from './own-images.ts';

/** In the order in which they run: what explains other failures comes first. */
export const groups = [
  'stack',
  'settings',
  'api',
  'buckets',
  'events',
  'alarms',
  'queues',
  'upload',
  'large-upload',
  'broken-image',
  'callers',
  'reconciler',
  'mail',
  'logs',
  'metrics',
  'containers',
  'patience',
] as const;
export type Group = (typeof groups)[number];

/** What the checks use. */
export interface Context {
  readonly stack: DeployedStack;
  readonly aws: AwsClients;
  readonly api: Api;
  /** Removes what the checks upload. */
  readonly images: OwnImages;
  /** A different text for each run, for the names of what it creates. */
  readonly runId: string;
  /** When the run started. */
  readonly startedAt: Date;
  /** Registers what undoes a step, before the step. Undone in reverse order, also after a failure. */
  undoLater(what: string, undo: () => Promise<void>): void;
  /** Ends the run when it is aborted. Each request and each wait ends with it. */
  readonly signal: AbortSignal;
}

export interface Check {
  /** In kebab case. */
  readonly name: string;
  readonly group: Group;
  /** Whether it takes a few seconds at most, so that `--quick` includes it. */
  readonly quick: boolean;
  /** Whether its requests need a caller who may upload. @default false */
  readonly needsCaller?: boolean;
  /** What must be true, for the documentation. */
  readonly description: string;
  run(context: Context): Promise<Outcome>;
}
