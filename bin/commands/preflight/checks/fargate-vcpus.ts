import { type Capacity, type FargateSettings, workerCapacity } from '../../../../lib/containers/settings.ts';
import { fails, type Outcome, ok, surprise } from '../outcome.ts';

/** One of the two quotas of Fargate for each account and region. */
export interface VcpuQuota {
  /** Its name in Service Quotas. */
  readonly name: string;
  readonly code: string;
  readonly vcpus: number;
  /** What runs when nothing happens. */
  readonly leastWanted: number;
  /** What runs when scaling has started all tasks. */
  readonly mostWanted: number;
}

type CapacityProvider = Capacity['capacityProvider'];

/** Both quotas (Service Quotas, "AWS Fargate"). */
export const vcpuQuotas = {
  FARGATE: { name: 'Fargate On-Demand vCPU resource count', code: 'L-3032A538' },
  FARGATE_SPOT: { name: 'Fargate Spot vCPU resource count', code: 'L-36FBB829' },
} as const satisfies Record<CapacityProvider, object>;

/** The vCPUs of a capacity provider that the fewest and the most tasks use. */
export const wantedVcpus = ({ ingest, worker }: FargateSettings, provider: CapacityProvider) => {
  const wanted = (ingestTasks: number, workerTasks: number): number =>
    (provider === 'FARGATE' ? ingestTasks * ingest.vcpus : 0) +
    tasksOn(provider, workerCapacity(worker), workerTasks) * worker.vcpus;
  return {
    leastWanted: wanted(ingest.minTasks, worker.minTasks),
    mostWanted: wanted(ingest.maxTasks, worker.maxTasks),
  };
};

/** How many of the tasks of a service a provider gets: its base, and its share of the rest. */
const tasksOn = (provider: CapacityProvider, capacity: readonly Capacity[], tasks: number): number => {
  const own = capacity.find(({ capacityProvider }) => capacityProvider === provider);
  if (own === undefined) return 0;
  const bases = capacity.reduce((sum, { base = 0 }) => sum + base, 0);
  const weights = capacity.reduce((sum, { weight }) => sum + weight, 0);
  const rest = Math.max(0, tasks - bases);
  return Math.min(tasks, own.base ?? 0) + Math.ceil((rest * own.weight) / weights);
};

/** Whether Fargate runs as many tasks as the settings say. New accounts have 6 vCPUs. */
export const judgeFargateVcpus = (quotas: readonly VcpuQuota[]): Outcome => {
  const tooSmall = quotas.filter(({ vcpus, leastWanted }) => vcpus < leastWanted);
  const full = quotas.filter(({ vcpus, mostWanted }) => vcpus < mostWanted);
  if (full.length === 0) return ok(`${quotas.map(describe).join('; ')}.`);
  const advice = `Request more of ${full.map(({ name, code }) => `"${name}" (${code})`).join(' and ')} in Service Quotas, or lower maxTasks.`;
  return tooSmall.length > 0
    ? fails(`${tooSmall.map(describe).join('; ')}: services do not become stable.`, advice)
    : surprise(`${full.map(describe).join('; ')}: scaling stops early.`, advice);
};

const describe = ({ name, vcpus, leastWanted, mostWanted }: VcpuQuota): string =>
  `${name}: ${vcpus} vCPUs, and the settings use ${leastWanted} to ${mostWanted}`;
