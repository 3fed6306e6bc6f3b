import type { Template } from 'aws-cdk-lib/assertions';
import { inContainers, resourcesOf } from '../stacks.ts';

/** Every setting of containers changed. */
export const changedContainers = {
  ...inContainers,
  stage: 'live',
  email: { from: 'images@example.com', allowedRecipients: ['example.com'] },
  logRetentionDays: 7,
  imagesOnDestroy: 'delete',
  fargate: {
    ingest: { minTasks: 3, maxTasks: 30, vcpus: 2, memoryMiB: 5120 },
    worker: { minTasks: 0, maxTasks: 100, vcpus: 4, memoryMiB: 8192, spot: false },
    natGateway: true,
    availabilityZones: ['us-east-2a', 'us-east-2b', 'us-east-2c'],
    maxInlineBytes: 50_000_000,
  },
};

/** The only resource of a type whose logical id begins with this name. */
export const only = (of: Template, type: string, name = '') => {
  const [found, ...others] = resourcesOf(of, type).filter((each) => each.name.startsWith(name));
  expect(others).toEqual([]);
  if (found === undefined) throw new Error(`There is no ${type} ${name}`);
  return found;
};

export const attribute = (name: string, of: { readonly name: string }) => ({ 'Fn::GetAtt': [of.name, name] });

export const serviceNames = ['Ingest', 'Resize'] as const;
type ServiceName = (typeof serviceNames)[number];

export const serviceOf = (of: Template, name: ServiceName) =>
  only(of, 'AWS::ECS::Service', `Containers${name}`);

export const taskOf = (of: Template, name: ServiceName) =>
  only(of, 'AWS::ECS::TaskDefinition', `Containers${name}`);

export const containerOf = (of: Template, name: ServiceName) => {
  const [container, ...others] = taskOf(of, name).ContainerDefinitions;
  expect(others).toEqual([]);
  return container;
};

export const environmentOf = (of: Template, name: ServiceName): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    containerOf(of, name).Environment.map((variable: { readonly Name: string; readonly Value: unknown }) => [
      variable.Name,
      variable.Value,
    ]),
  );
