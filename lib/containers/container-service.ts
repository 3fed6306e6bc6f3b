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
} from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement, type PolicyStatementProps, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Network } from './network.ts';

/** What every service of containers runs on. */
export interface Platform {
  readonly cluster: ICluster;
  readonly network: Network;
  /** The one image that all of them run. */
  readonly image: ContainerImage;
}

export interface ContainerServiceProps {
  readonly platform: Platform;
  /** File that the container runs, from the project's top. */
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly logGroup: ILogGroup;
  /** All that the code may do. ECS writes its log, with a role that the code does not have. */
  readonly statements: readonly PolicyStatementProps[];
  readonly securityGroup: ISecurityGroup;
  readonly capacity: readonly CapacityProviderStrategy[];
  /** Where the container listens. @default - nowhere */
  readonly port?: number;
}

/** How long ECS waits between asking a task to stop and killing it; entry files are done before. */
const stopTimeout = Duration.seconds(30);

/** The user `node` of the image. */
const user = '1000:1000';

/**
 * Tasks on Fargate as all of ours are: arm64, in no public place, as a user that is not root and has no capability of the
 * kernel, on a file system that cannot be written but for /tmp; a deployment that does not come up is undone.
 */
export class ContainerService extends FargateService {
  /** What the code acts as. */
  readonly taskRole: Role;
  readonly logGroup: ILogGroup;
  readonly vcpus: number;
  readonly memoryMiB: number;

  constructor(scope: Construct, id: string, props: ContainerServiceProps) {
    const { cluster, network, image } = props.platform;
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
      // Ours must not be the first process, which cannot end itself when its event loop is blocked (ECS API Reference,
      // "LinuxParameters": an init process forwards signals and reaps processes).
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
        // Only whether its own process works: what is wrong elsewhere would be wrong for a new one as well.
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
          // Rather than stop the service while a log cannot be written, drop what is more than this.
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
      // No number of tasks: it is the scaling's, and a deployment is not to take it back.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      availabilityZoneRebalancing: AvailabilityZoneRebalancing.ENABLED,
      circuitBreaker: { enable: true, rollback: true },
    });
    // Tasks that start before there is a way to their image fail, and a deployment of those that do is undone.
    this.node.findChild('Service').node.addDependency(network);
    this.taskRole = taskRole;
    this.logGroup = props.logGroup;
    this.vcpus = props.vcpus;
    this.memoryMiB = props.memoryMiB;
  }

  /** Tasks that there are, or are to be, once a minute (CloudWatch User Guide, "Amazon ECS Container Insights metrics"). */
  metricTasks(metricName: 'RunningTaskCount' | 'DesiredTaskCount', options?: MetricOptions): Metric {
    return new Metric({
      namespace: 'ECS/ContainerInsights',
      metricName,
      dimensionsMap: { ClusterName: this.cluster.clusterName, ServiceName: this.serviceName },
      ...options,
    });
  }
}
