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
  readonly tasks: FargateSettings['ingest'];
  readonly maxInlineBytes: number;
}

/** Where tasks listen. */
export const ingestPort = 8080;

const cpuTargetPercent = 60;

/** Takes uploads in as the ingest function does, behind the load balancer. */
export class IngestService extends ContainerService {
  constructor(scope: Construct, id: string, props: IngestServiceProps) {
    const { platform, ingest, loadBalancer, tasks } = props;
    const environment = writeEnvironment(ingestContainerEnvironment, {
      ...ingest.environment,
      maxInlineBytes: props.maxInlineBytes,
      port: ingestPort,
      maxBytesInHand: bytesInHand(tasks),
      // ECS removes a task from the load balancer before it stops it, but not every node of it knows at once.
      drainSeconds: 5,
    });
    const securityGroup = platform.network.taskSecurityGroup(scope, `${id}Access`, 'Ingest tasks');
    super(scope, id, {
      platform,
      entry: 'containers/ingest.ts',
      environment,
      vcpus: tasks.vcpus,
      memoryMiB: tasks.memoryMiB,
      logGroup: ingest.handler.logGroup,
      statements: ingest.statements,
      securityGroup,
      // On demand: callers wait for it.
      capacity: [{ capacityProvider: 'FARGATE', weight: 1 }],
      port: ingestPort,
    });
    ingest.letSignUrls(this.taskRole);
    this.attachToApplicationTargetGroup(loadBalancer.targets);
    const scaling = this.autoScaleTaskCount({ minCapacity: tasks.minTasks, maxCapacity: tasks.maxTasks });
    scaling.scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: cpuTargetPercent });
    scaling.scaleOnRequestCount('Requests', {
      targetGroup: loadBalancer.targets,
      requestsPerTarget: requestsPerMinute(tasks),
    });
  }
}

/** Each byte in hand takes up to three of memory, and the process itself 175 MiB (`npm run test:load`, "large bodies"). */
const bytesInHand = ({ memoryMiB }: FargateSettings['ingest']): number => (memoryMiB * 1024 * 1024) / 4;

/**
 * 20 a second for each CPU. To take in an image of 2 MB uses 9 ms of one (measured with `npm start`): that leaves room for
 * TLS and slower cores. Large images show in the CPU sooner, but requests that only wait for their thumbnails do not.
 */
const requestsPerMinute = ({ vcpus }: FargateSettings['ingest']): number => 1200 * Math.min(1, vcpus);
