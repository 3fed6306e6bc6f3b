import type { Template } from 'aws-cdk-lib/assertions';
import { inContainers, resourcesOf, templateWith } from '../stacks.ts';
import {
  attribute,
  changedContainers,
  containerOf,
  environmentOf,
  only,
  serviceNames,
  serviceOf,
  taskOf,
} from './deployed-containers.ts';

let template: Template;
let changed: Template;
/** The template with functions. */
let functions: Template;

beforeAll(() => {
  functions = templateWith({ domain: inContainers.domain });
  template = templateWith(inContainers);
  changed = templateWith(changedContainers);
});

describe.each(serviceNames)('the service of %s', (name) => {
  test('runs on arm64, not as root, with /tmp as the only writable directory', () => {
    const task = taskOf(template, name);
    expect(task).toMatchObject({
      RequiresCompatibilities: ['FARGATE'],
      NetworkMode: 'awsvpc',
      RuntimePlatform: { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' },
      Volumes: [{ Name: 'tmp' }],
    });
    const container = containerOf(template, name);
    expect(container).toMatchObject({
      Command: [`containers/${name.toLowerCase()}.ts`],
      User: '1000:1000',
      ReadonlyRootFilesystem: true,
      LinuxParameters: { Capabilities: { Drop: ['ALL'] }, InitProcessEnabled: true },
      MountPoints: [{ SourceVolume: 'tmp', ContainerPath: '/tmp', ReadOnly: false }],
      StopTimeout: 30,
    });
    expect(container.Privileged).toBeUndefined();
  });

  test('writes to the log group of the function, which expires', () => {
    const { LogDriver, Options } = containerOf(template, name).LogConfiguration;
    const logGroup = only(template, 'AWS::Logs::LogGroup', `${name}FunctionLogs`);
    expect(LogDriver).toBe('awslogs');
    expect(Options).toMatchObject({ 'awslogs-group': { Ref: logGroup.name }, mode: 'non-blocking' });
    expect(logGroup.RetentionInDays).toBe(30);
  });

  test('has the environment of the function', () => {
    const deployed = only(functions, 'AWS::Lambda::Function', `${name}Function`);
    // Bodies may be larger here, a task serves both lanes, and the image configures memory.
    const { MAX_INLINE_BYTES, LANE, NODE_OPTIONS, MALLOC_ARENA_MAX, ...shared } =
      deployed.Environment.Variables;
    expect(Object.keys(shared).length).toBeGreaterThan(6);
    expect(environmentOf(template, name)).toMatchObject(shared);
  });

  test('keeps all tasks during a deployment, and rolls back a failed one', () => {
    expect(serviceOf(template, name)).toMatchObject({
      DeploymentConfiguration: {
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      },
      AvailabilityZoneRebalancing: 'ENABLED',
    });
  });

  test('leaves the number of tasks to scaling', () => {
    expect(serviceOf(template, name).DesiredCount).toBeUndefined();
  });

  test('starts no task before the network can reach its image', () => {
    const service = template.findResources('AWS::ECS::Service')[serviceOf(template, name).name];
    const ways = [
      ...resourcesOf(template, 'AWS::EC2::VPCEndpoint'),
      ...resourcesOf(template, 'AWS::EC2::SubnetRouteTableAssociation'),
    ].map((resource) => resource.name);
    expect(service?.['DependsOn']).toEqual(expect.arrayContaining(ways));
  });

  test('holds no secret in its environment', () => {
    for (const variable of Object.keys(environmentOf(changed, name)))
      expect(variable).not.toMatch(/SECRET|PASSWORD|TOKEN|CREDENTIAL|PRIVATE|_KEY$/);
  });

  test('is replaced when the health check of the image fails', () => {
    expect(containerOf(template, name).HealthCheck).toEqual({
      Command: ['CMD', 'node', 'containers/healthy.ts'],
      Interval: 10,
      Timeout: 5,
      Retries: 3,
      StartPeriod: 15,
    });
  });

  test('does not allow ECS Exec', () => {
    expect(serviceOf(template, name).EnableExecuteCommand).toBeUndefined();
  });
});

describe('the service of ingest', () => {
  test('scales on-demand tasks within the settings, by CPU and by requests', () => {
    expect(serviceOf(template, 'Ingest').CapacityProviderStrategy).toEqual([
      { CapacityProvider: 'FARGATE', Weight: 1 },
    ]);
    const bounds = (of: Template) => {
      const { MinCapacity, MaxCapacity } = only(
        of,
        'AWS::ApplicationAutoScaling::ScalableTarget',
        'ContainersIngest',
      );
      const { Cpu, Memory } = taskOf(of, 'Ingest');
      return { MinCapacity, MaxCapacity, Cpu, Memory };
    };
    expect(bounds(template)).toEqual({ MinCapacity: 2, MaxCapacity: 10, Cpu: '1024', Memory: '2048' });
    expect(bounds(changed)).toEqual({ MinCapacity: 3, MaxCapacity: 30, Cpu: '2048', Memory: '5120' });
    const policies = resourcesOf(template, 'AWS::ApplicationAutoScaling::ScalingPolicy')
      .filter((policy) => policy.name.startsWith('ContainersIngest'))
      .map(({ TargetTrackingScalingPolicyConfiguration: { PredefinedMetricSpecification, TargetValue } }) => [
        PredefinedMetricSpecification.PredefinedMetricType,
        TargetValue,
      ]);
    expect(policies).toEqual([
      ['ECSServiceAverageCPUUtilization', 60],
      ['ALBRequestCountPerTarget', 1200],
    ]);
  });

  test('accepts larger images than the function, as many bytes at a time as a quarter of its memory', () => {
    expect(environmentOf(template, 'Ingest')).toMatchObject({
      MAX_INLINE_BYTES: '32000000',
      MAX_BYTES_IN_HAND: String(512 * 1024 * 1024),
      PORT: '8080',
    });
    expect(environmentOf(changed, 'Ingest')).toMatchObject({
      MAX_INLINE_BYTES: '50000000',
      MAX_BYTES_IN_HAND: String(1280 * 1024 * 1024),
    });
    const ingest = only(template, 'AWS::Lambda::Function', 'IngestFunction');
    expect(ingest.Environment.Variables.MAX_INLINE_BYTES).toBe('4700000');
  });
});

describe('the service of resize', () => {
  test('has its first worker and a fifth of the others on demand, or all if configured', () => {
    expect(serviceOf(template, 'Resize').CapacityProviderStrategy).toEqual([
      { CapacityProvider: 'FARGATE', Base: 1, Weight: 1 },
      { CapacityProvider: 'FARGATE_SPOT', Weight: 4 },
    ]);
    expect(serviceOf(changed, 'Resize').CapacityProviderStrategy).toEqual([
      { CapacityProvider: 'FARGATE', Weight: 1 },
    ]);
    expect(only(template, 'AWS::ECS::Cluster').CapacityProviders).toEqual(['FARGATE', 'FARGATE_SPOT']);
  });

  test('decodes as many images at a time as it has CPUs', () => {
    expect(environmentOf(template, 'Resize')).toMatchObject({ DECODES_AT_ONCE: '2' });
    expect(environmentOf(changed, 'Resize')).toMatchObject({ DECODES_AT_ONCE: '4' });
  });

  test('has no load balancer', () => {
    expect(serviceOf(template, 'Resize').LoadBalancers).toEqual([]);
    expect(containerOf(template, 'Resize').PortMappings).toBeUndefined();
  });

  const scalingOf = (of: Template) => {
    const target = only(of, 'AWS::ApplicationAutoScaling::ScalableTarget', 'ContainersResize');
    const policies = resourcesOf(of, 'AWS::ApplicationAutoScaling::ScalingPolicy').filter(
      ({ ScalingTargetId }) => ScalingTargetId.Ref === target.name,
    );
    const { Cpu, Memory } = taskOf(of, 'Resize');
    return { Cpu, Memory, min: target.MinCapacity, max: target.MaxCapacity, policies };
  };

  test('scales by the number of waiting images per worker', () => {
    const { policies, ...bounds } = scalingOf(template);
    expect(bounds).toEqual({ min: 1, max: 20, Cpu: '2048', Memory: '4096' });
    expect(policies).toHaveLength(1);
    const [{ TargetValue, CustomizedMetricSpecification }] = policies.map(
      ({ TargetTrackingScalingPolicyConfiguration }) => TargetTrackingScalingPolicyConfiguration,
    );
    // Two decoders, 0.3 s for each image, in half of 10 s.
    expect(TargetValue).toBe(33);
    const queue = only(template, 'AWS::CloudWatch::Alarm', 'MonitoringAlarmsresizequeueage');
    const [messages, slow, tasks, backlog] = CustomizedMetricSpecification.Metrics;
    expect(messages).toMatchObject({
      Id: 'messages',
      MetricStat: {
        Metric: {
          Namespace: 'AWS/SQS',
          MetricName: 'ApproximateNumberOfMessagesVisible',
          Dimensions: queue.Dimensions,
        },
        Stat: 'Maximum',
      },
      ReturnData: false,
    });
    const slowQueue = only(template, 'AWS::CloudWatch::Alarm', 'MonitoringAlarmsslowresizequeueage');
    expect(slow).toMatchObject({ Id: 'slow', MetricStat: { Metric: { Dimensions: slowQueue.Dimensions } } });
    expect(tasks).toMatchObject({
      Id: 'tasks',
      MetricStat: {
        Metric: {
          Namespace: 'ECS/ContainerInsights',
          MetricName: 'RunningTaskCount',
          Dimensions: [
            { Name: 'ClusterName', Value: { Ref: only(template, 'AWS::ECS::Cluster').name } },
            { Name: 'ServiceName', Value: attribute('Name', serviceOf(template, 'Resize')) },
          ],
        },
      },
      ReturnData: false,
    });
    expect(backlog).toMatchObject({ Expression: '(messages + slow) / tasks' });
    expect(only(template, 'AWS::ECS::Cluster').ClusterSettings).toEqual([
      { Name: 'containerInsights', Value: 'enabled' },
    ]);
  });

  test('scales to zero if configured, and starts the first worker when a message waits', () => {
    const { policies, ...bounds } = scalingOf(changed);
    expect(bounds).toEqual({ min: 0, max: 100, Cpu: '4096', Memory: '8192' });
    expect(policies).toHaveLength(2);
    const step = policies.find(({ PolicyType }) => PolicyType === 'StepScaling');
    expect(step?.StepScalingPolicyConfiguration).toMatchObject({
      AdjustmentType: 'ChangeInCapacity',
      StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
    });
    const [alarm] = resourcesOf(changed, 'AWS::CloudWatch::Alarm').filter(
      ({ AlarmActions }) => AlarmActions[0].Ref === step?.name,
    );
    expect(alarm).toMatchObject({ Threshold: 1, ComparisonOperator: 'GreaterThanOrEqualToThreshold' });
    expect(JSON.stringify(alarm?.Metrics)).toContain('IF(FILL(tasks, 0) > 0, 0, messages + slow)');
  });

  test('keeps the queue’s visibility timeout, and removes the functions that poll it', () => {
    const [queue] = resourcesOf(template, 'AWS::SQS::Queue').filter(({ RedrivePolicy }) => RedrivePolicy);
    expect(queue?.VisibilityTimeout).toBe(720);
    // Only that of deletions, which functions do with containers as well.
    expect(resourcesOf(template, 'AWS::Lambda::EventSourceMapping').map(({ name }) => name)).toEqual([
      expect.stringMatching(/^Deletion/),
    ]);
    expect(
      resourcesOf(template, 'AWS::Lambda::Function').filter(({ name }) => name.startsWith('Resize')),
    ).toEqual([]);
  });
});
