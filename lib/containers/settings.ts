import * as z from 'zod';

/** What a task may have (ECS Developer Guide, "Task definition parameters for Fargate", "Task size"). */
const taskSizes = [
  { vcpus: 0.5, minMiB: 1024, maxMiB: 4096, stepMiB: 1024 },
  { vcpus: 1, minMiB: 2048, maxMiB: 8192, stepMiB: 1024 },
  { vcpus: 2, minMiB: 4096, maxMiB: 16_384, stepMiB: 1024 },
  { vcpus: 4, minMiB: 8192, maxMiB: 30_720, stepMiB: 1024 },
  { vcpus: 8, minMiB: 16_384, maxMiB: 61_440, stepMiB: 4096 },
  { vcpus: 16, minMiB: 32_768, maxMiB: 122_880, stepMiB: 8192 },
] as const;

const vcpus = z.literal(taskSizes.map((size) => size.vcpus));

/** An ECS service holds no more (Service quotas of ECS, "Tasks per service"). */
const maxTasksOfAService = 5000;

interface Tasks {
  readonly minTasks: number;
  readonly maxTasks: number;
  readonly vcpus: number;
  readonly memoryMiB: number;
}

/** Whether these tasks can be had, and are not fewer than themselves. */
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
      message: `with ${task.vcpus} vCPU Fargate gives ${minMiB} to ${maxMiB} MiB, in steps of ${stepMiB} (given ${task.memoryMiB})`,
    });
  }
};

const ingestSchema = z
  .strictObject({
    /** Two, so that one zone of AWS may fail. */
    minTasks: z.int().min(1).max(maxTasksOfAService).default(2),
    maxTasks: z.int().min(1).max(maxTasksOfAService).default(10),
    /** Node.js uses little more than one. */
    vcpus: vcpus.default(1),
    /** A quarter of it may be images on their way in. */
    memoryMiB: z.int().default(2048),
  })
  .superRefine(requirePossible);

const workerSchema = z
  .strictObject({
    /** With 0 there is none while nothing waits, and the first image waits for minutes. */
    minTasks: z.int().min(0).max(maxTasksOfAService).default(1),
    maxTasks: z.int().min(1).max(maxTasksOfAService).default(20),
    /** As many images are decoded at once. */
    vcpus: vcpus.default(2),
    memoryMiB: z.int().default(4096),
    /**
     * Whether most workers run on capacity that AWS may take back, for less than half of the price. Their work is handed
     * back to the queue when it does.
     */
    spot: z.boolean().default(true),
  })
  .superRefine(requirePossible);

/** The fewest that a load balancer takes, and the most that the network keeps room for. */
export const zoneCount = { min: 2, max: 6 } as const;

const taskShape = '"minTasks": 2, "maxTasks": 10, "vcpus": 1, "memoryMiB": 2048';

/** How the service runs with the setting `compute` at `fargate`. */
export const fargateSchema = z.strictObject(
  {
    ingest: ingestSchema.prefault({}),
    worker: workerSchema.prefault({}),
    /** Whether tasks reach AWS, and all else, through NAT gateways; without, they reach only what they need of AWS. */
    natGateway: z.boolean().default(false),
    /** Names of the zones to run in; null takes the first two of the region. Fargate is not in every zone of each region. */
    availabilityZones: z
      .array(z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d[a-z]$/, 'a zone such as us-east-2a'))
      .min(zoneCount.min, `at least ${zoneCount.min}`)
      .max(zoneCount.max, `at most ${zoneCount.max}`)
      .refine((zones) => new Set(zones).size === zones.length, 'a zone stands twice')
      .nullable()
      .default(null),
    /** Largest image in one request through the load balancer. A task holds it in memory. */
    maxInlineBytes: z.int().min(1024).max(100_000_000).default(32_000_000),
  },
  {
    error: ({ code }) =>
      code === 'invalid_type' ? `expected {"ingest": {${taskShape}}, "worker": {…}, …}` : undefined,
  },
);

export type FargateSettings = Readonly<z.output<typeof fargateSchema>>;

/** How many images a worker decodes at once: each keeps one CPU busy. */
export const decodersOf = ({ vcpus }: FargateSettings['worker']): number => Math.ceil(vcpus);

/** Under which name, and with which certificate of ACM in the region of the stack, the service is reached. */
export const domainSchema = z.strictObject(
  {
    name: z
      .string()
      .max(253)
      .regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, 'a name such as images.example.com'),
    certificateArn: z
      .string()
      .regex(
        /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[A-Za-z0-9-]+$/,
        'arn:aws:acm:<region>:<account>:certificate/…',
      ),
  },
  {
    error: ({ code }) =>
      code === 'invalid_type'
        ? 'expected null or {"name": "images.example.com", "certificateArn": "arn:aws:acm:…"}'
        : undefined,
  },
);

export type Domain = Readonly<z.output<typeof domainSchema>>;
