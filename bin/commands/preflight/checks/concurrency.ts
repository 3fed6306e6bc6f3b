import { busyFunctions, type ConcurrencySettings } from '../../../../lib/function-concurrency.ts';
import type { Settings } from '../../../../lib/settings.ts';
import { fails, type Outcome, ok, surprise } from '../outcome.ts';

/** What must stay for functions without a reservation (Lambda quotas, "Concurrent executions"). */
const leastUnreserved = 100;

export interface ConcurrencyFacts {
  /** Functions of the account that run at the same time in this region. */
  readonly limit: number;
  /** The part of it that no function has reserved. */
  readonly unreserved: number;
  readonly isFirstDeployment: boolean;
  readonly settings: ConcurrencySettings & Pick<Settings, 'compute' | 'ingestMaxConcurrency'>;
}

const advice = (how: string): string =>
  `Request a higher quota "Concurrent executions" of Lambda (L-B99A9384) in Service Quotas, or ${how}.`;

/** Whether the account lets as many functions run as the settings say. New accounts let ten run. */
export const judgeConcurrency = (facts: ConcurrencyFacts): Outcome => {
  const { limit, unreserved, settings } = facts;
  const reserve = settings.ingestMaxConcurrency;
  // An earlier deployment may have reserved it already, and then it is not part of `unreserved`.
  const free = facts.isFirstDeployment ? unreserved : limit;
  if (reserve !== null && free - reserve < Math.min(leastUnreserved, limit)) {
    return fails(
      `${reserve} cannot be reserved (ingestMaxConcurrency) of ${free}: Lambda keeps ${Math.min(leastUnreserved, limit)} unreserved.`,
      advice('set ingestMaxConcurrency to null'),
    );
  }
  const has = `The account runs up to ${limit} functions at a time, ${unreserved} of them unreserved`;
  const { resizeMaxConcurrency, slowResizeMaxConcurrency, maxWaitingCallers } = settings;
  // In containers only a few functions of the service run.
  if (settings.compute === 'fargate') return ok(`${has}.`);
  const wanted = busyFunctions(settings);
  if (wanted < unreserved) return ok(`${has}; the settings use ${wanted} besides those for requests.`);
  return surprise(
    `${has}, but the settings allow ${wanted} besides those for requests. Images whose messages Lambda throttles five times become dead letters.`,
    advice(
      `lower resizeMaxConcurrency (${resizeMaxConcurrency}), slowResizeMaxConcurrency (${slowResizeMaxConcurrency}) and maxWaitingCallers (${maxWaitingCallers})`,
    ),
  );
};
