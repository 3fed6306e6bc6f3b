import * as z from 'zod';
import type { Auth } from '../../lambdas/ingest/auth.ts';
import { workerMemoryMiB } from '../function-memory.ts';
import type { Domain } from '../ingest/domain.ts';
import { field, flag, objectLike, oneOf, setting, textSetting, wholeNumber } from '../setting.ts';

/** Valid sizes of a task (ECS Developer Guide, "Task definition parameters for Fargate", "Task size"). */
const taskSizes = [
  { vcpus: 0.5, minMiB: 1024, maxMiB: 4096, stepMiB: 1024 },
  { vcpus: 1, minMiB: 2048, maxMiB: 8192, stepMiB: 1024 },
  { vcpus: 2, minMiB: 4096, maxMiB: 16_384, stepMiB: 1024 },
  { vcpus: 4, minMiB: 8192, maxMiB: 30_720, stepMiB: 1024 },
  { vcpus: 8, minMiB: 16_384, maxMiB: 61_440, stepMiB: 4096 },
  { vcpus: 16, minMiB: 32_768, maxMiB: 122_880, stepMiB: 8192 },
];

const vcpus = oneOf(taskSizes.map((size) => size.vcpus));

/** Service quotas of ECS, "Tasks per service". */
const maxTasksPerService = 5000;
const tasksFrom = (min: number) => wholeNumber(min, maxTasksPerService);

const memoryRule = 'a size that Fargate offers with these vcpus';
const memoryMiB = z.int(memoryRule);

interface Tasks {
  readonly minTasks: number;
  readonly maxTasks: number;
  readonly vcpus: number;
  readonly memoryMiB: number;
}

/** Requires minTasks <= maxTasks and a valid Fargate size. */
const requirePossible = ({ minTasks, maxTasks, ...task }: Tasks, { addIssue }: z.RefinementCtx): void => {
  if (minTasks > maxTasks) {
    addIssue({
      code: 'custom',
      path: ['minTasks'],
      message: `not more than maxTasks (given ${minTasks} and ${maxTasks})`,
    });
  }
  const size = taskSizes.find((each) => each.vcpus === task.vcpus);
  if (size === undefined) return;
  const { minMiB, maxMiB, stepMiB } = size;
  if (task.memoryMiB < minMiB || task.memoryMiB > maxMiB || task.memoryMiB % stepMiB !== 0) {
    addIssue({
      code: 'custom',
      path: ['memoryMiB'],
      message: `with ${task.vcpus} vCPU Fargate offers ${minMiB} to ${maxMiB} MiB, in steps of ${stepMiB} (given ${task.memoryMiB})`,
    });
  }
};

/**
 * New accounts have 6 vCPU of Fargate on demand, and 6 on Spot (ECS endpoints and quotas). By default the
 * fewest tasks fit in, and the most do not.
 */
const ingestSchema = z
  .strictObject({
    minTasks: field(tasksFrom(1), 2).describe(
      'Fewest ingest tasks; two survive the failure of an availability zone.',
    ),
    maxTasks: field(tasksFrom(1), 10).describe('Most ingest tasks.'),
    vcpus: field(vcpus, 1).describe('CPUs of an ingest task; Node.js uses little more than one.'),
    memoryMiB: field(memoryMiB, 2048, memoryRule).describe(
      'Memory of an ingest task; a quarter of it may hold incoming images.',
    ),
  })
  .superRefine(requirePossible);

const workerSchema = z
  .strictObject({
    minTasks: field(tasksFrom(0), 1).describe(
      'Fewest workers; with 0 the first image waits minutes for a worker.',
    ),
    maxTasks: field(tasksFrom(1), 20).describe('Most workers.'),
    vcpus: field(vcpus, 2).describe('CPUs of a worker, which decodes as many images at the same time.'),
    memoryMiB: field(memoryMiB, 4096, memoryRule).describe('Memory of a worker.'),
    spot: field(flag(), true).describe(
      'Runs most workers on Spot capacity, which costs less than half; interrupted work returns to the queue.',
    ),
  })
  .superRefine(requirePossible);

/** A load balancer needs two zones; the network has address space for six. */
export const zoneCount = { min: 2, max: 6 } as const;

const taskShape = '"minTasks": 2, "maxTasks": 10, "vcpus": 1, "memoryMiB": 2048';
export const fargateSchema = objectLike(`{"ingest": {${taskShape}}, "worker": {…}, …}`, {
  ingest: field(ingestSchema, {}, `{${taskShape}}`).describe('Size and number of ingest tasks.'),
  worker: field(workerSchema, {}, `{${taskShape}, "spot": true}`).describe('Size and number of workers.'),
  natGateway: field(flag(), false).describe(
    'Gives tasks access to the internet through NAT gateways; without, they reach only the AWS services they need.',
  ),
  availabilityZones: field(
    z
      .array(z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d[a-z]$/, 'a zone such as us-east-2a'))
      .min(zoneCount.min, `at least ${zoneCount.min}`)
      .max(zoneCount.max, `at most ${zoneCount.max}`)
      .refine((zones) => new Set(zones).size === zones.length, 'each zone only once')
      .nullable(),
    null,
    `null or a list of ${zoneCount.min} to ${zoneCount.max} zones such as us-east-2a`,
  ).describe(
    'Availability zones to run in; null selects the first two of the region, which may lack Fargate.',
  ),
  maxInlineBytes: field(wholeNumber(1024, 100_000_000), 32_000_000).describe(
    'Largest image in one request through the load balancer, in bytes; a task holds it in memory.',
  ),
});

export type FargateSettings = Readonly<z.output<typeof fargateSchema>>;

/** How many images a worker decodes at a time: each keeps one CPU busy. */
export const decodersOf = ({ vcpus }: FargateSettings['worker']): number => Math.ceil(vcpus);

/** One of ECS: a number of tasks, then a share of the others. */
export interface Capacity {
  readonly capacityProvider: 'FARGATE' | 'FARGATE_SPOT';
  /** @default 0 */
  readonly base?: number;
  readonly weight: number;
}

/** The first worker and a fifth of the others run on demand, because Spot capacity may be missing. */
export const workerCapacity = ({ spot }: FargateSettings['worker']): readonly Capacity[] =>
  spot
    ? [
        { capacityProvider: 'FARGATE', base: 1, weight: 1 },
        { capacityProvider: 'FARGATE_SPOT', weight: 4 },
      ]
    : [{ capacityProvider: 'FARGATE', weight: 1 }];

export const containerSettings = {
  compute: textSetting(oneOf(['lambda', 'fargate']), 'lambda').describe(
    'Runs the code as Lambda functions, or as containers behind a load balancer for a steady, massive load.',
  ),
  fargate: setting(fargateSchema, {}).describe(
    'Size and network of the containers; used with compute "fargate".',
  ),
};

interface SettingsInContainers {
  readonly compute: 'lambda' | 'fargate';
  readonly fargate: FargateSettings;
  readonly auth: Auth;
  readonly domain: Domain | null;
  readonly maxUploadBytes: number;
  readonly decodeMemoryMiB: number;
}

/** What containers require of other settings. */
export const checkContainers = (
  settings: SettingsInContainers,
  refuse: (path: string[], rule: string) => void,
): void => {
  const { auth, domain, fargate, maxUploadBytes } = settings;
  if (settings.compute !== 'fargate') return;
  if (domain === null) {
    refuse(['domain'], 'required with compute "fargate": its load balancer accepts HTTPS only');
  }
  if (auth === 'iam') {
    refuse(
      ['auth'],
      '"none" or {"jwt": …} with compute "fargate": only API Gateway can verify IAM signatures',
    );
  } else if (auth !== 'none' && !fargate.natGateway) {
    refuse(
      ['fargate', 'natGateway'],
      'true with auth {"jwt": …}: tasks fetch the keys of the issuer over the internet',
    );
  }
  if (fargate.maxInlineBytes > maxUploadBytes) {
    refuse(
      ['fargate', 'maxInlineBytes'],
      `not more than maxUploadBytes (${maxUploadBytes}), the limit of resize`,
    );
  }
  const { vcpus, memoryMiB } = fargate.worker;
  const neededMiB = workerMemoryMiB(settings, decodersOf(fargate.worker));
  if (memoryMiB < neededMiB) {
    refuse(
      ['fargate', 'worker', 'memoryMiB'],
      `at least ${neededMiB} for the decoders of ${vcpus} vCPU with decodeMemoryMiB (${settings.decodeMemoryMiB}) each`,
    );
  }
};
