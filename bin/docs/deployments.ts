import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as z from 'zod';
import { DataLakeStack } from '../../lib/lake/data-lake-stack.ts';
import { readSettings } from '../../lib/settings.ts';
import { ThumbnailGeneratorStack } from '../../lib/thumbnail-generator-stack.ts';
import { warningIds } from '../../lib/warnings/settings.ts';

/** The settings of the two modes that the documents describe. */
export const deployments = {
  functions: {},
  containers: {
    compute: 'fargate',
    domain: {
      name: 'images.example.com',
      certificateArn: 'arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000',
    },
  },
} as const;

const alarmSchema = z.object({
  Properties: z.object({
    AlarmName: z.string(),
    AlarmDescription: z.string(),
    Metrics: z.array(z.object({ MetricStat: z.unknown().optional() })).optional(),
  }),
});

export interface DeployedAlarm {
  /** Without the name of the stack. */
  readonly name: string;
  readonly description: string;
  /** What to do when it goes off: a file in docs/, and the heading in it. */
  readonly section: string;
  /** How many metrics it watches. */
  readonly metricCount: number;
}

const alarmsIn = (template: Template): readonly DeployedAlarm[] =>
  Object.values(template.findResources('AWS::CloudWatch::Alarm')).map((resource) => {
    const { AlarmName, AlarmDescription, Metrics } = alarmSchema.parse(resource).Properties;
    const [, description = '', section = ''] = /^(.*) See docs\/(\S+)$/.exec(AlarmDescription) ?? [];
    return {
      name: AlarmName.replace(/^[A-Z][A-Za-z]+-/, ''),
      description,
      section,
      metricCount: Metrics?.filter(({ MetricStat }) => MetricStat !== undefined).length ?? 1,
    };
  });

/** The alarms that a synthesis with these settings deploys; no code is bundled. */
export const synthesizedAlarms = (given: Readonly<Record<string, unknown>>) => {
  const { context } = z
    .object({ context: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(readFileSync('cdk.json', 'utf8')));
  const outdir = mkdtempSync(join(tmpdir(), 'thumbnail-generator-docs-'));
  const quiet = { acknowledgedWarnings: [...warningIds], 'aws:cdk:bundling-stacks': [] };
  const app = new App({ outdir, context: { ...context, ...given, ...quiet } });
  const settings = readSettings(app.node.getAllContext());
  const service = new ThumbnailGeneratorStack(app, settings.stackName, { settings });
  const { imageEvents, alerts } = service;
  const lake = new DataLakeStack(app, `${settings.stackName}DataLake`, { settings, imageEvents, alerts });
  const alarms = {
    service: alarmsIn(Template.fromStack(service)),
    lake: alarmsIn(Template.fromStack(lake)),
  };
  rmSync(outdir, { recursive: true });
  return alarms;
};
