import type { Construct } from 'constructs';
import { ingestContainerEnvironment } from '../../containers/environment.ts';
import { writeEnvironment } from '../../lambdas/runtime/environment.ts';
import type { Ingest } from '../ingest/ingest.ts';
import { ContainerService, type Platform } from './container-service.ts';
import type { LoadBalancer } from './load-balancer.ts';
import type { FargateSettings } from './settings.ts';

export interface IngestServiceProps {
  readonly platform: Platform;
  readonly ingest: Ingest;
  readonly loadBalancer: LoadBalancer;
  readonly settings: FargateSettings['ingest'];
  readonly maxInlineBytes: number;
}

/** The port on which tasks listen. */
export const ingestPort = 8080;

const cpuTargetPercent = 60;

/** Runs the code of the ingest function in tasks behind the load balancer. */
export class IngestService extends ContainerService {
  constructor(scope: Construct, id: string, props: IngestServiceProps) {
    const { platform, ingest, loadBalancer, settings } = props;
    const environment = writeEnvironment(ingestContainerEnvironment, {
      ...ingest.environment,
      maxInlineBytes: props.maxInlineBytes,
      port: ingestPort,
      maxBytesInHand: bytesInHand(settings),
      // ECS removes a task from the load balancer before it stops it, but not all nodes know it immediately.
      drainSeconds: 5,
    });
    const securityGroup = platform.network.taskSecurityGroup(scope, `${id}Access`, 'Ingest tasks');
    super(scope, id, {
      platform,
      entry: 'containers/ingest.ts',
      environment,
      vcpus: settings.vcpus,
      memoryMiB: settings.memoryMiB,
      minTasks: settings.minTasks,
      logGroup: ingest.handler.logGroup,
      statements: ingest.statements,
      securityGroup,
      // On demand, because callers wait for it.
      capacity: [{ capacityProvider: 'FARGATE', weight: 1 }],
      port: ingestPort,
    });
    ingest.grantUrlSigning(this.taskRole);
    this.attachToApplicationTargetGroup(loadBalancer.targets);
    const scaling = this.autoScaleTaskCount({
      minCapacity: settings.minTasks,
      maxCapacity: settings.maxTasks,
    });
    scaling.scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: cpuTargetPercent });
    scaling.scaleOnRequestCount('Requests', {
      targetGroup: loadBalancer.targets,
      requestsPerTarget: requestsPerMinute(settings),
    });
  }
}

/** Bytes of bodies at a time: each takes up to three of memory (`npm run test:load`, "large bodies"). */
const bytesInHand = ({ memoryMiB }: FargateSettings['ingest']): number => (memoryMiB * 1024 * 1024) / 4;

/**
 * 20 requests a second for each CPU, a fifth of what an upload of 2 MB uses of one. Large images show in the
 * CPU sooner, but requests that only wait for thumbnails show here.
 */
const requestsPerMinute = ({ vcpus }: FargateSettings['ingest']): number => 1200 * Math.min(1, vcpus);
