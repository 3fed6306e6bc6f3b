import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Construct } from 'constructs';
import { ThumbnailGenerator } from '../../lib/thumbnail-generator.ts';
import type { ThumbnailGeneratorProps } from '../../lib/thumbnail-generator-props.ts';
import { warningIds } from '../../lib/warnings/settings.ts';
import { inContainers, resourcesOf } from './stacks.ts';

const newStack = (): Stack => {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8'));
  return new Stack(new App({ context: { ...context, 'aws:cdk:bundling-stacks': [] } }), 'Other');
};

const serviceNameOf = (props: ThumbnailGeneratorProps, scope: Construct = newStack(), id = 'Thumbnails') =>
  new ThumbnailGenerator(scope, id, props).serviceName;

describe('two services in a stack of another app', () => {
  const names = ['Other-Thumbnails', 'Avatars'];
  let template: Template;

  beforeAll(() => {
    const stack = newStack();
    new ThumbnailGenerator(stack, 'Thumbnails', { acknowledgedWarnings: warningIds });
    new ThumbnailGenerator(stack, 'AvatarThumbnails', {
      serviceName: 'Avatars',
      stage: 'live',
      variants: [{ name: 'avatar', width: 64, height: 64, fit: 'cover' }],
      alerts: { usualImagesPerHour: 20 },
      acknowledgedWarnings: warningIds,
    });
    template = Template.fromStack(stack);
  });

  test('have alarms of different names', () => {
    const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(({ AlarmName }) => AlarmName);
    expect(new Set(alarms).size).toBe(alarms.length);
    for (const name of names) expect(alarms).toContain(`${name}-resize-dead-letters`);
  });

  test('each have an API, a dashboard and an access log of their name', () => {
    expect(resourcesOf(template, 'AWS::ApiGatewayV2::Api').map(({ Name }) => Name)).toEqual(names);
    expect(
      resourcesOf(template, 'AWS::CloudWatch::Dashboard').map(({ DashboardName }) => DashboardName),
    ).toEqual(names.map((name) => ({ 'Fn::Join': ['', [`${name}-`, { Ref: 'AWS::Region' }]] })));
    const logs = resourcesOf(template, 'AWS::Logs::LogGroup').flatMap(
      ({ LogGroupName = [] }) => LogGroupName,
    );
    expect(logs).toEqual(names.map((name) => `/aws/vendedlogs/${name}/api-access`));
  });

  test('record and watch metrics under their own names', () => {
    const services = (given: unknown, pattern: RegExp): string[] =>
      [...new Set([...JSON.stringify(given).matchAll(pattern)].map(([, name = '']) => name))].sort();
    const functions = resourcesOf(template, 'AWS::Lambda::Function');
    expect(services(functions, /"STACK_NAME":"([^"]+)"/g)).toEqual(names.toSorted());
    const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm');
    expect(services(alarms, /"Name":"service","Value":"([^"]+)"/g)).toEqual(names.toSorted());
  });

  test('each follow their own props', () => {
    const stages = resourcesOf(template, 'AWS::ApiGatewayV2::Stage').map(({ StageName }) => StageName);
    expect(stages).toEqual(['dev', 'live']);
    const limits = resourcesOf(template, 'AWS::CloudWatch::Alarm')
      .filter(({ AlarmName }) => AlarmName.endsWith('-runaway-invocations'))
      .map(({ Threshold }) => Threshold);
    expect(limits).toEqual([5000, 100]);
  });
});

describe('the name of a service', () => {
  test('is that of its stack with the id Default', () => {
    expect(serviceNameOf({}, newStack(), 'Default')).toBe('Other');
  });

  test('has the id of each construct around it', () => {
    expect(serviceNameOf({}, new Construct(newStack(), 'Media'))).toBe('Other-Media-Thumbnails');
  });

  test('can be given', () => {
    expect(serviceNameOf({ serviceName: 'photos' })).toBe('photos');
  });
});

test('is found by an app in any folder', () => {
  const folder = process.cwd();
  const stack = newStack();
  process.chdir(tmpdir());
  try {
    expect(serviceNameOf(inContainers, stack)).toBe('Other-Thumbnails');
  } finally {
    process.chdir(folder);
  }
});

test('fails with the name, the value and the rule of a wrong prop', () => {
  expect(() => serviceNameOf({ urlLifetimeSeconds: 7200 })).toThrow(/urlLifetimeSeconds = 7200: .*3600/);
  expect(() => serviceNameOf({ compute: 'fargate' })).toThrow('domain (not set): ');
});
