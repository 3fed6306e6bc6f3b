import type { RemovalPolicy } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { DockerImageAsset, Platform as ImagePlatform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  CfnClusterCapacityProviderAssociations,
  Cluster,
  ContainerImage,
  ContainerInsights,
} from 'aws-cdk-lib/aws-ecs';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Monitored } from '../constructs/monitored.ts';
import { projectFolder } from '../constructs/project-folder.ts';
import type { Ingest } from '../ingest/ingest.ts';
import type { Compute } from '../resize/compute.ts';
import type { Resize } from '../resize/resize.ts';
import { containerAlarms } from './container-alarms.ts';
import { fargateCosts, loadBalancerCosts } from './container-costs.ts';
import { containerWidgets, responseMilliseconds } from './container-widgets.ts';
import { IngestService, ingestPort } from './ingest-service.ts';
import { LoadBalancer } from './load-balancer.ts';
import { Network } from './network.ts';
import type { FargateSettings } from './settings.ts';
import { TrafficLogs } from './traffic-logs.ts';
import { WorkerService } from './worker-service.ts';

export interface ContainersProps {
  readonly serviceName: string;
  readonly settings: FargateSettings;
  readonly domainName: string;
  /** Of a certificate of ACM for that name, in the region of the stack. */
  readonly certificateArn: string;
  readonly stage: string;
  readonly ingest: Ingest;
  readonly resize: Resize;
  /** The only buckets that tasks reach. */
  readonly buckets: readonly IBucket[];
  /** The only tables that tasks reach. */
  readonly tables: readonly ITable[];
  readonly uploadToReadyGoalSeconds: number;
  readonly usualImagesPerHour: number;
  readonly logRetention: RetentionDays;
  /** Of the logs of the load balancer and the network. */
  readonly removalPolicy: RemovalPolicy;
}

/** Runs ingest and resize in containers. It holds no image and no state of one. */
export class Containers extends Construct implements Compute {
  readonly loadBalancer: LoadBalancer;
  readonly steadyBacklog: number;
  readonly monitored: Monitored;

  constructor(scope: Construct, id: string, props: ContainersProps) {
    super(scope, id);
    const { settings, logRetention, removalPolicy } = props;
    const trafficLogs = new TrafficLogs(this, 'TrafficLogs', { retention: logRetention, removalPolicy });
    const network = new Network(this, 'Network', {
      natGateway: settings.natGateway,
      availabilityZones: settings.availabilityZones,
      buckets: props.buckets,
      tables: props.tables,
      trafficLogs,
    });
    const loadBalancer = new LoadBalancer(this, 'LoadBalancer', {
      vpc: network.vpc,
      domainName: props.domainName,
      certificateArn: props.certificateArn,
      stage: props.stage,
      port: ingestPort,
      trafficLogs,
    });
    const image = new DockerImageAsset(this, 'Image', {
      directory: projectFolder,
      platform: ImagePlatform.LINUX_ARM64,
      buildArgs: { HEIC: String(props.resize.environment.heic) },
    });
    const cluster = this.createCluster(network);
    const platform = {
      cluster,
      capacityProviders: this.addCapacityProviders(cluster, loadBalancer),
      network,
      image: ContainerImage.fromDockerImageAsset(image),
    };
    const ingest = new IngestService(this, 'Ingest', {
      platform,
      ingest: props.ingest,
      loadBalancer,
      settings: settings.ingest,
      maxInlineBytes: settings.maxInlineBytes,
    });
    const worker = new WorkerService(this, 'Resize', {
      platform,
      resize: props.resize,
      settings: settings.worker,
      uploadToReadyGoalSeconds: props.uploadToReadyGoalSeconds,
    });
    // A deployment starts new tasks before it stops the old ones. One service after the other, the smallest
    // size stays within the 6 vCPU of a new account (ECS endpoints and quotas, "Fargate On-Demand vCPU").
    worker.node.addDependency(ingest);
    this.loadBalancer = loadBalancer;
    this.steadyBacklog = worker.steadyBacklog;
    this.monitored = {
      alarms: containerAlarms({
        loadBalancer,
        ingest,
        worker,
        resizeQueue: props.resize.queues.fast.queue,
        usualImagesPerHour: props.usualImagesPerHour,
      }),
      widgets: containerWidgets({ loadBalancer, services: { ingest, workers: worker } }),
      lines: { durations: [responseMilliseconds(loadBalancer)] },
      costs: { Fargate: fargateCosts([ingest, worker]), 'Load balancer': loadBalancerCosts(loadBalancer) },
    };
  }

  /** Counts its tasks, because workers are scaled by their number, and an alarm reports missing ones. */
  private createCluster({ vpc }: Network): Cluster {
    return new Cluster(this, 'Cluster', { vpc, containerInsightsV2: ContainerInsights.ENABLED });
  }

  /**
   * The first cluster of an account creates the role that ECS uses itself, which takes seconds until it can
   * be used: a cluster with capacity providers fails then (aws-cloudformation/cloudformation-coverage-roadmap
   * #818). A load balancer takes minutes, and the cluster is created meanwhile.
   */
  private addCapacityProviders(
    { clusterName }: Cluster,
    loadBalancer: LoadBalancer,
  ): CfnClusterCapacityProviderAssociations {
    const associations = new CfnClusterCapacityProviderAssociations(this, 'CapacityProviders', {
      cluster: clusterName,
      capacityProviders: ['FARGATE', 'FARGATE_SPOT'],
      defaultCapacityProviderStrategy: [],
    });
    associations.node.addDependency(loadBalancer.balancer);
    return associations;
  }
}
