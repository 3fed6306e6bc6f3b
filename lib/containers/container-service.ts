import { Duration, Size, Stack } from 'aws-cdk-lib';
import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  AvailabilityZoneRebalancing,
  AwsLogDriverMode,
  Capability,
  type CapacityProviderStrategy,
  type ContainerImage,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LinuxParameters,
  LogDriver,
  OperatingSystemFamily,
  PropagatedTagSource,
} from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement, type PolicyStatementProps, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct, IDependable } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import type { Network } from './network.ts';

/** What both services run on. */
export interface Platform {
  readonly cluster: ICluster;
  /** What lets services of the cluster run on Fargate. */
  readonly capacityProviders: IDependable;
  readonly network: Network;
  /** The one image that both run. */
  readonly image: ContainerImage;
}

export interface ContainerServiceProps {
  readonly platform: Platform;
  /** Path of the file that the container runs, from the project's root. */
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly vcpus: number;
  readonly memoryMiB: number;
  /** Fewest tasks, to which scaling returns. */
  readonly minTasks: number;
  readonly logGroup: ILogGroup;
  /** All permissions of the code. ECS writes its log with another role. */
  readonly statements: readonly PolicyStatementProps[];
  readonly securityGroup: ISecurityGroup;
  readonly capacity: readonly CapacityProviderStrategy[];
  /** The port on which the container listens. @default - none */
  readonly port?: number;
}

/** How long ECS waits between SIGTERM and SIGKILL; entry files end before that. */
const stopTimeout = Duration.seconds(30);

/** The user `node` of the image. */
const user = '1000:1000';

/**
 * Tasks on Fargate: arm64, in private subnets, not as root, without capabilities of the kernel, on a file
 * system that is read-only except for /tmp. A deployment that does not become healthy is rolled back.
 */
export class ContainerService extends FargateService {
  readonly taskRole: Role;
  readonly logGroup: ILogGroup;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly minTasks: number;

  constructor(scope: Construct, id: string, props: ContainerServiceProps) {
    const { cluster, capacityProviders, network, image } = props.platform;
    const taskRole = new Role(scope, `${id}TaskRole`, {
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
      }),
    });
    for (const statement of props.statements) taskRole.addToPolicy(new PolicyStatement(statement));
    const taskDefinition = new FargateTaskDefinition(scope, `${id}Task`, {
      cpu: props.vcpus * 1024,
      memoryLimitMiB: props.memoryMiB,
      runtimePlatform: {
        cpuArchitecture: CpuArchitecture.ARM64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
      taskRole,
    });
    const linuxParameters = new LinuxParameters(scope, `${id}Linux`, {
      // The first process of a container cannot end itself while its event loop is blocked: that must be an
      // init process, which forwards signals and reaps processes (ECS API Reference, "LinuxParameters").
      initProcessEnabled: true,
    });
    linuxParameters.dropCapabilities(Capability.ALL);
    const tmp = 'tmp';
    taskDefinition.addVolume({ name: tmp });
    taskDefinition
      .addContainer('Container', {
        image,
        command: [props.entry],
        environment: props.environment,
        user,
        readonlyRootFilesystem: true,
        linuxParameters,
        stopTimeout,
        // Checks only its own process: a new task would not fix an outage elsewhere.
        healthCheck: {
          command: ['CMD', 'node', 'containers/healthy.ts'],
          interval: Duration.seconds(10),
          timeout: Duration.seconds(5),
          retries: 3,
          startPeriod: Duration.seconds(15),
        },
        portMappings: props.port === undefined ? [] : [{ containerPort: props.port }],
        logging: LogDriver.awsLogs({
          logGroup: props.logGroup,
          streamPrefix: 'container',
          // While a log cannot be written, drop lines beyond this instead of blocking the service.
          mode: AwsLogDriverMode.NON_BLOCKING,
          maxBufferSize: Size.mebibytes(25),
        }),
      })
      .addMountPoints({ sourceVolume: tmp, containerPath: '/tmp', readOnly: false });
    super(scope, id, {
      cluster,
      taskDefinition,
      vpcSubnets: network.taskSubnets,
      securityGroups: [props.securityGroup],
      assignPublicIp: false,
      capacityProviderStrategies: [...props.capacity],
      // No number of tasks: scaling sets it, and a deployment must not reset it.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      availabilityZoneRebalancing: AvailabilityZoneRebalancing.ENABLED,
      circuitBreaker: { enable: true, rollback: true },
      // Tasks cost, not services: without the tags of the stack a task is on no one's bill.
      propagateTags: PropagatedTagSource.SERVICE,
    });
    // Tasks that start before the network can reach their image fail, which rolls the deployment back. And
    // capacity providers can be removed only after the services that use them.
    this.node.findChild('Service').node.addDependency(network, capacityProviders);
    acknowledge(
      taskDefinition,
      'ECS2',
      'The environment of tasks holds what that of functions holds: names and limits. A test refuses every name that looks like a secret.',
    );
    acknowledge(
      taskDefinition,
      'IAM5[Resource::*]',
      'ECR knows no resources for GetAuthorizationToken (Service Authorization Reference). A test refuses "*" for every other action.',
    );
    this.taskRole = taskRole;
    this.logGroup = props.logGroup;
    this.vcpus = props.vcpus;
    this.memoryMiB = props.memoryMiB;
    this.minTasks = props.minTasks;
  }

  /** Counted once a minute (CloudWatch User Guide, "Amazon ECS Container Insights metrics"). */
  metricTasks(metricName: 'RunningTaskCount' | 'DesiredTaskCount', options?: MetricOptions): Metric {
    return new Metric({
      namespace: 'ECS/ContainerInsights',
      metricName,
      dimensionsMap: { ClusterName: this.cluster.clusterName, ServiceName: this.serviceName },
      ...options,
    });
  }
}
