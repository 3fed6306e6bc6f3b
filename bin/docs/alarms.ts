import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as z from 'zod';
import { DataLakeStack } from '../../lib/lake/data-lake-stack.ts';
import { readSettings } from '../../lib/settings.ts';
import { ThumbnailGeneratorStack } from '../../lib/thumbnail-generator-stack.ts';
import { table } from './table.ts';

const domain = {
  name: 'images.example.com',
  certificateArn: 'arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000',
};
const email = { from: 'images@example.com', allowedRecipients: ['example.com'] };

/** Together these deploy every alarm. */
const deployments = [
  { email, compute: 'lambda' },
  { email, compute: 'fargate', domain },
] as const;

const alarmSchema = z.object({
  Properties: z.object({ AlarmName: z.string(), AlarmDescription: z.string() }),
});

interface DocumentedAlarm {
  readonly name: string;
  readonly description: string;
}

const alarmsOf = (stack: Stack): readonly DocumentedAlarm[] =>
  Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm')).map((resource) => {
    const { AlarmName, AlarmDescription } = alarmSchema.parse(resource).Properties;
    const name = AlarmName.replace(/^[A-Z][A-Za-z]+-/, '');
    return { name, description: AlarmDescription.replace(/ See \S+$/, '') };
  });

const synthesizedAlarms = (deployment: (typeof deployments)[number]): readonly DocumentedAlarm[] => {
  const { context } = z
    .object({ context: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(readFileSync('cdk.json', 'utf8')));
  const outdir = mkdtempSync(join(tmpdir(), 'thumbnail-generator-docs-'));
  const app = new App({
    outdir,
    context: { ...context, ...deployment, 'aws:cdk:bundling-stacks': [] },
  });
  const settings = readSettings(app.node.getAllContext());
  const stack = new ThumbnailGeneratorStack(app, settings.stackName, { settings });
  const { imageEvents, alerts } = stack;
  const lake = new DataLakeStack(app, `${settings.stackName}DataLake`, { settings, imageEvents, alerts });
  const alarms = [...alarmsOf(stack), ...alarmsOf(lake)];
  rmSync(outdir, { recursive: true });
  return alarms;
};

/** Every alarm of the service and of the data lake, linked to its section of the runbook. */
export const alarmsTable = (): string => {
  const descriptions = new Map(
    deployments.flatMap(synthesizedAlarms).map(({ name, description }) => [name, description]),
  );
  return table(
    ['Alarm', 'Meaning'],
    [...descriptions].sort().map(([name, description]) => [`[${name}](runbook.md#${name})`, description]),
  );
};
