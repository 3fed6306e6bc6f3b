const thousand = 1000;
const million = 1_000_000;
const gigabyte = 1_000_000_000;

interface Price {
  readonly service: string;
  /** Dollars for this many units. */
  readonly usd: number;
  readonly per: number;
  /** What `per` units are, in words. */
  readonly unit: string;
}

/**
 * What AWS charges for: list prices of us-east-2 in US dollars without free tiers, from the pricing page of
 * each service. A key names the unit that is counted.
 */
export const prices = {
  apiRequests: {
    service: 'API Gateway, HTTP API',
    usd: 1,
    per: million,
    unit: 'million requests of 512 KiB',
  },
  lambdaCalls: { service: 'Lambda', usd: 0.2, per: million, unit: 'million calls' },
  lambdaGigabyteSeconds: { service: 'Lambda, arm64', usd: 0.0000133334, per: 1, unit: 'GB-second' },
  s3Puts: { service: 'S3', usd: 0.005, per: thousand, unit: 'thousand PUTs' },
  s3Gets: { service: 'S3', usd: 0.0004, per: thousand, unit: 'thousand GETs' },
  s3ByteMonths: { service: 'S3', usd: 0.023, per: gigabyte, unit: 'GB and month' },
  dynamodbWrites: { service: 'DynamoDB, on demand', usd: 0.625, per: million, unit: 'million writes' },
  dynamodbReads: { service: 'DynamoDB, on demand', usd: 0.125, per: million, unit: 'million reads' },
  sqsRequests: { service: 'SQS', usd: 0.4, per: million, unit: 'million requests' },
  snsEvents: { service: 'SNS', usd: 0.5, per: million, unit: 'million events' },
  sesMails: { service: 'SES', usd: 0.1, per: thousand, unit: 'thousand mails' },
  logBytes: { service: 'CloudWatch Logs', usd: 0.5, per: gigabyte, unit: 'GB' },
  lakeEvents: { service: 'Data lake, all its services', usd: 0.62, per: million, unit: 'million events' },
  metricMonths: { service: 'CloudWatch', usd: 0.3, per: 1, unit: 'metric and month' },
  alarmMetricMonths: {
    service: 'CloudWatch alarms',
    usd: 0.1,
    per: 1,
    unit: 'metric of an alarm and month',
  },
  dashboardMonths: { service: 'CloudWatch', usd: 3, per: 1, unit: 'dashboard and month' },
  traces: { service: 'X-Ray', usd: 5, per: million, unit: 'million traces' },
  dataOutBytes: { service: 'Data to the internet', usd: 0.09, per: gigabyte, unit: 'GB' },
  fargateVcpuHours: { service: 'Fargate, arm64', usd: 0.03238, per: 1, unit: 'vCPU and hour' },
  fargateGigabyteHours: { service: 'Fargate, arm64', usd: 0.00356, per: 1, unit: 'GB and hour' },
  loadBalancerHours: { service: 'Load balancer', usd: 0.0225, per: 1, unit: 'hour' },
  loadBalancerBytes: { service: 'Load balancer', usd: 0.008, per: gigabyte, unit: 'GB' },
  endpointHours: { service: 'Interface endpoint', usd: 0.01, per: 1, unit: 'hour and zone' },
  endpointBytes: { service: 'Interface endpoint', usd: 0.01, per: gigabyte, unit: 'GB' },
  natGatewayHours: { service: 'NAT gateway', usd: 0.045, per: 1, unit: 'hour' },
  natGatewayBytes: { service: 'NAT gateway', usd: 0.045, per: gigabyte, unit: 'GB' },
  publicAddressHours: { service: 'Public IPv4 address', usd: 0.005, per: 1, unit: 'hour' },
} as const satisfies Readonly<Record<string, Price>>;

export type Unit = keyof typeof prices;

/** How much of what is used. */
export type Usage = Readonly<Partial<Record<Unit, number>>>;

const isUnit = (name: string): name is Unit => name in prices;
const units = Object.keys(prices).filter(isUnit);

/** A usage whose amounts are computed, without those that are 0. */
const usageOf = (amountOf: (unit: Unit) => number): Usage =>
  Object.fromEntries(
    units.map((unit) => [unit, amountOf(unit)] as const).filter(([, amount]) => amount !== 0),
  );

export const sumOf = (usages: readonly Usage[]): Usage =>
  usageOf((unit) => usages.reduce((sum, usage) => sum + (usage[unit] ?? 0), 0));

export const times = (count: number, usage: Usage): Usage => usageOf((unit) => count * (usage[unit] ?? 0));

/** What a usage costs in US dollars. */
export const usdOf = (usage: Usage): number =>
  units.reduce((usd, unit) => usd + ((usage[unit] ?? 0) * prices[unit].usd) / prices[unit].per, 0);
