import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { DockerImageAsset, Platform as ImagePlatform } from 'aws-cdk-lib/aws-ecr-assets';
import { CfnCluster, Cluster, ContainerImage, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Lane } from '../../lambdas/resize/lanes.ts';
import { ServiceLogs } from '../constructs/service-logs.ts';
import type { Domain } from '../ingest/domain.ts';
import type { Ingest } from '../ingest/ingest.ts';
import type { Resize } from '../resize/resize.ts';
import type { Settings } from '../settings.ts';
import { IngestService, ingestPort } from './ingest-service.ts';
import { LoadBalancer } from './load-balancer.ts';
import { Network } from './network.ts';
import { ResizeService } from './resize-service.ts';
import type { FargateSettings } from './settings.ts';
import { TrafficLogs } from './traffic-logs.ts';

export interface ContainersProps {
  readonly settings: FargateSettings;
  readonly domain: Domain;
  readonly stage: string;
  readonly ingest: Ingest;
  readonly resize: Resize;
  readonly resizeQueues: Readonly<Record<Lane, Queue>>;
  /** All that tasks reach of S3. */
  readonly buckets: readonly IBucket[];
  /** All that tasks reach of DynamoDB. */
  readonly tables: readonly ITable[];
  readonly uploadToReadyGoalSeconds: Settings['alerts']['uploadToReadyGoalSeconds'];
  readonly logRetention: Settings['logRetentionDays'];
  readonly onDestroy: Settings['imagesOnDestroy'];
}

/** Ingest and resize in containers: all that is there for that alone. No image and no state of one is in any of it. */
export class Containers extends Construct {
  readonly loadBalancer: LoadBalancer;
  readonly ingest: IngestService;
  readonly resize: ResizeService;
  readonly trafficLogs: TrafficLogs;

  constructor(scope: Construct, id: string, props: ContainersProps) {
    super(scope, id);
    const { settings, resize, logRetention } = props;
    this.trafficLogs = new TrafficLogs(this, 'TrafficLogs', {
      retentionDays: logRetention,
      onDestroy: props.onDestroy,
    });
    const network = new Network(this, 'Network', {
      natGateway: settings.natGateway,
      availabilityZones: settings.availabilityZones,
      buckets: props.buckets,
      tables: props.tables,
      trafficLogs: this.trafficLogs,
    });
    this.loadBalancer = new LoadBalancer(this, 'LoadBalancer', {
      vpc: network.vpc,
      domain: props.domain,
      stage: props.stage,
      port: ingestPort,
      trafficLogs: this.trafficLogs,
    });
    const image = new DockerImageAsset(this, 'Image', {
      directory: '.',
      platform: ImagePlatform.LINUX_ARM64,
    });
    const platform = {
      cluster: this.createCluster(network),
      network,
      image: ContainerImage.fromDockerImageAsset(image),
    };
    this.ingest = new IngestService(this, 'Ingest', {
      platform,
      ingest: props.ingest,
      loadBalancer: this.loadBalancer,
      tasks: settings.ingest,
      maxInlineBytes: settings.maxInlineBytes,
    });
    this.resize = new ResizeService(this, 'Resize', {
      platform,
      resize,
      queues: props.resizeQueues,
      // The one that the function has when a function resizes: a switch leaves it as it is.
      logGroup: new ServiceLogs(resize, 'FunctionLogs', { retention: logRetention }),
      tasks: settings.worker,
      uploadToReadyGoalSeconds: props.uploadToReadyGoalSeconds,
    });
  }

  /** It counts its tasks, because workers are scaled by that, and an alarm tells of those that are missing. */
  private createCluster({ vpc }: Network): Cluster {
    const cluster = new Cluster(this, 'Cluster', { vpc, containerInsightsV2: ContainerInsights.ENABLED });
    const resource = cluster.node.defaultChild;
    if (!(resource instanceof CfnCluster))
      throw new Error(`${cluster.node.path} is no cluster of CloudFormation`);
    // On the cluster itself: CDK's own way is a resource that CloudFormation would delete before the services that use it.
    resource.capacityProviders = ['FARGATE', 'FARGATE_SPOT'];
    return cluster;
  }
}
