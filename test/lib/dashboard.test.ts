import { readFileSync } from 'node:fs';
import type { Template } from 'aws-cdk-lib/assertions';
import * as z from 'zod';
import { metricsNamespace, metricUnits } from '../../lambdas/runtime/metrics.ts';
import { evaluate } from './deployed-alarms.ts';
import { inContainers, resourcesOf, templateWith } from './stacks.ts';

const widgetSchema = z.object({
  type: z.enum(['text', 'alarm', 'metric', 'log']),
  x: z.int(),
  y: z.int(),
  width: z.int(),
  height: z.int(),
  properties: z.object({
    markdown: z.string().optional(),
    title: z.string().optional(),
    alarms: z.array(z.string()).optional(),
    query: z.string().optional(),
    /** Namespace, name and dimensions of a metric or nothing, then its options. */
    metrics: z.array(z.array(z.union([z.string(), z.looseObject({})]))).default([]),
    annotations: z.object({ horizontal: z.array(z.looseObject({ value: z.number() })) }).optional(),
  }),
});
type Widget = z.output<typeof widgetSchema>;

/** The text after a deployment, with logical ids for values that are known only then. */
const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value;
  const { Ref, ...functions } = z
    .object({
      Ref: z.string().optional(),
      'Fn::GetAtt': z.array(z.string()).optional(),
      'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]).optional(),
    })
    .parse(value);
  const [separator, parts] = functions['Fn::Join'] ?? ['', []];
  return Ref ?? functions['Fn::GetAtt']?.join('.') ?? parts.map(textOf).join(separator);
};

const dashboardOf = (template: Template) => {
  const [dashboard, ...others] = resourcesOf(template, 'AWS::CloudWatch::Dashboard');
  expect(others).toEqual([]);
  const body = z
    .object({ widgets: z.array(widgetSchema) })
    .parse(JSON.parse(textOf(dashboard?.DashboardBody)));
  return { name: dashboard?.DashboardName, widgets: body.widgets };
};

let withMail: Template;
let containers: Template;
let widgets: readonly Widget[];
let widgetsOfContainers: readonly Widget[];

beforeAll(() => {
  const given = {
    email: { from: 'images@example.com', allowedRecipients: ['example.com'] },
    alerts: { uploadToReadyGoalSeconds: 4, usualImagesPerHour: 300 },
  };
  withMail = templateWith(given);
  containers = templateWith({ ...given, ...inContainers });
  ({ widgets } = dashboardOf(withMail));
  ({ widgets: widgetsOfContainers } = dashboardOf(containers));
});

const widget = (title: string, of = widgets): Widget => {
  const found = of.find(({ properties }) => properties.title === title);
  if (found === undefined) throw new Error(`The dashboard has no ${title}`);
  return found;
};

test('has the names of its stack and its region', () => {
  const named = (stackName: string) => ({ 'Fn::Join': ['', [`${stackName}-`, { Ref: 'AWS::Region' }]] });
  expect(dashboardOf(withMail).name).toEqual(named('ThumbnailGenerator'));
  expect(dashboardOf(templateWith({ stackName: 'Second' })).name).toEqual(named('Second'));
});

test('asks its questions from the most to the least urgent', () => {
  const headings = widgets
    .filter(({ type }) => type === 'text')
    .sort((one, other) => one.y - other.y)
    .map(({ properties }) => properties.markdown?.split('\n')[0]);
  expect(headings).toEqual([
    '## Is it healthy?',
    '## How fast is it?',
    '## How much is there to do?',
    '## What fails?',
    '## What does it cost?',
  ]);
});

test.each([
  ['functions', () => widgets],
  ['containers', () => widgetsOfContainers],
])('fills its 24 columns with %s, without gaps and overlaps', (_, of) => {
  const area = new Map<string, number>();
  for (const { x, y, width, height } of of()) {
    for (let row = y; row < y + height; row += 1) {
      for (let column = x; column < x + width; column += 1) {
        const cell = `${column} ${row}`;
        area.set(cell, (area.get(cell) ?? 0) + 1);
      }
    }
  }
  const rows = Math.max(...of().map(({ y, height }) => y + height));
  expect(area.size).toBe(24 * rows);
  expect(new Set(area.values())).toEqual(new Set([1]));
});

test('shows every alarm', () => {
  for (const [of, shown] of [
    [withMail, widgets],
    [containers, widgetsOfContainers],
  ] as const) {
    const alarms = resourcesOf(of, 'AWS::CloudWatch::Alarm').map(({ name }) => `${name}.Arn`);
    expect(alarms.length).toBeGreaterThan(10);
    expect(widget('Alarms', shown).properties.alarms).toEqual(alarms);
  }
});

test('shows the load balancer and the tasks of containers', () => {
  const metricsOf = (title: string) =>
    widget(title, widgetsOfContainers).properties.metrics.map(([namespace, name]) => `${namespace} ${name}`);
  expect(metricsOf('Load balancer server errors')).toEqual([
    'AWS/ApplicationELB HTTPCode_Target_5XX_Count',
    'AWS/ApplicationELB HTTPCode_ELB_5XX_Count',
  ]);
  expect(metricsOf('Ready ingest tasks')).toEqual([
    'AWS/ApplicationELB HealthyHostCount',
    'AWS/ApplicationELB UnHealthyHostCount',
  ]);
  expect(metricsOf('Running and desired tasks')).toEqual([
    'ECS/ContainerInsights RunningTaskCount',
    'ECS/ContainerInsights DesiredTaskCount',
    'ECS/ContainerInsights RunningTaskCount',
    'ECS/ContainerInsights DesiredTaskCount',
  ]);
  expect(metricsOf('CPU of tasks, %')).toEqual(['AWS/ECS CPUUtilization', 'AWS/ECS CPUUtilization']);
  expect(metricsOf('Highest memory of a task, %')).toEqual([
    'AWS/ECS MemoryUtilization',
    'AWS/ECS MemoryUtilization',
  ]);
});

test('has every other widget with containers too, without the resize functions', () => {
  const titlesOf = (of: readonly Widget[]) => of.map(({ properties }) => properties.title);
  expect(titlesOf(widgetsOfContainers)).toEqual(expect.arrayContaining(titlesOf(widgets)));
  expect(JSON.stringify(dashboardOf(containers))).not.toMatch(/ResizeFunction[0-9A-F]{8}/);
  for (const title of ['Latest refused images', 'Latest errors'])
    expect(widget(title, widgetsOfContainers).properties.query).toContain("SOURCE 'ResizeFunctionLogs");
});

test('marks the goal for times and the usual number of images', () => {
  const lineOf = (title: string) =>
    widget(title).properties.annotations?.horizontal.map(({ value }) => value);
  expect(lineOf('From upload to ready, ms')).toEqual([4000]);
  expect(lineOf('Images per hour')).toEqual([300]);
});

test('shows exactly the metrics that the code records, of this service only', () => {
  const own = widgets
    .flatMap(({ properties }) => properties.metrics)
    .filter(([namespace]) => namespace === metricsNamespace);
  for (const [, , dimension, value] of own)
    expect([dimension, value]).toEqual(['service', 'ThumbnailGenerator']);
  // Recorded by the data lake under its own name, for an alarm only.
  const { EventsRefused: _, ...counted } = metricUnits;
  expect(new Set(own.map(([, name]) => name))).toEqual(new Set(Object.keys(counted)));
});

test('shows failed images by error code', () => {
  const [[search] = []] = widget('Failed images by code').properties.metrics;
  expect(search).toMatchObject({
    expression: `SEARCH('{ThumbnailGenerator,service,code} MetricName="Failed" service="ThumbnailGenerator"', 'Sum', 300)`,
    label: `\${PROP('Dim.code')}`,
  });
});

test('queries the log of resize for the message about refused images', () => {
  const { query = '' } = widget('Latest refused images').properties;
  expect(query).toMatch(/^SOURCE 'ResizeFunctionLogs[0-9A-F]{8}'/);
  const [, message] = /message = "([^"]+)"/.exec(query) ?? [];
  expect(readFileSync('lambdas/resize/messages.ts', 'utf8')).toContain(`log.warn('${message}', {`);
});

describe('the cost estimate', () => {
  /** US dollars for a service, given the sums of metrics whose names contain these words. */
  const costOf = (service: string, sums: Readonly<Record<string, number>>, of = widgets): number => {
    const { metrics } = widget('US dollars per hour', of).properties;
    const shown = metrics.map((metric) => ({ words: metric.slice(0, -1).join(' '), options: metric.at(-1) }));
    const optionsSchema = z.looseObject({
      id: z.string().optional(),
      label: z.string().optional(),
      expression: z.string().optional(),
    });
    const rows = shown.map(({ words, options }) => ({ words, ...optionsSchema.parse(options) }));
    const values = rows.flatMap(({ id, words }) => {
      if (id === undefined) return [];
      const [, sum] =
        Object.entries(sums).find(([name]) => name.split(' ').every((word) => words.includes(word))) ?? [];
      return [[id, sum] as const];
    });
    const expression = rows.find(({ label }) => label === service)?.expression ?? '';
    return evaluate(expression, Object.fromEntries(values));
  };

  const million = 1_000_000;

  test('matches docs/cost.md for a million uploads', () => {
    expect(costOf('S3', { Uploads: million, Ready: million })).toBeCloseTo(10.4, 2);
    const resize = { 'Invocations ResizeFunction': million, 'Duration ResizeFunction': 300 * million };
    expect(costOf('Lambda', resize)).toBeCloseTo(7.11, 2);
    const ingest = { 'Invocations IngestFunction': million, 'Duration IngestFunction': 300 * million };
    expect(costOf('Lambda', ingest)).toBeCloseTo(4.2, 2);
    const requests = { Count: million, DataProcessed: 2 * million * million };
    expect(costOf('API Gateway', requests)).toBeGreaterThan(4);
    expect(costOf('API Gateway', requests)).toBeLessThan(5);
    expect(costOf('SNS', { NumberOfMessagesPublished: 2 * million })).toBeCloseTo(1, 2);
    expect(costOf('Logs', { 'IncomingBytes ResizeFunctionLogs': 4800 * million })).toBeCloseTo(2.4, 2);
    expect(costOf('SES', { MailsSent: 1000 })).toBeCloseTo(0.1, 2);
    const queue = {
      'NumberOfMessagesSent SlowResizeQueue': 0,
      'NumberOfMessagesSent ResizeQueue': million,
      'NumberOfEmptyReceives NotifyQueue': 3 * million,
    };
    expect(costOf('SQS', queue)).toBeCloseTo(1.6, 2);
    const catalog = {
      'ConsumedWriteCapacityUnits Catalog waiting': 2 * million,
      ConsumedReadCapacityUnits: million,
    };
    expect(costOf('DynamoDB', catalog)).toBeCloseTo(2 * 0.625 + 4 * 0.125, 2);
  });

  test('matches docs/cost.md for tasks and the load balancer', () => {
    const month = 730 * 60;
    const ingest = { 'RunningTaskCount ContainersIngestService': 2 * month };
    expect(costOf('Fargate', ingest, widgetsOfContainers)).toBeCloseTo(57.67, 2);
    const worker = { 'RunningTaskCount ContainersResizeService': month };
    expect(costOf('Fargate', worker, widgetsOfContainers)).toBeCloseTo(57.67, 2);
    const bytes = { ProcessedBytes: 2 * million * million };
    expect(costOf('Load balancer', bytes, widgetsOfContainers)).toBeCloseTo(16, 2);
    for (const service of ['Fargate', 'Load balancer'])
      expect(costOf(service, {}, widgetsOfContainers)).toBe(0);
  });

  test('is zero without traffic', () => {
    for (const service of ['Lambda', 'API Gateway', 'S3', 'DynamoDB', 'SQS', 'SNS', 'SES', 'Logs'])
      expect(costOf(service, {})).toBe(0);
  });
});
