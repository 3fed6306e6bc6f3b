import type { Construct } from 'constructs';
import type { IngestEnvironment } from '../../lambdas/ingest/environment.ts';
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
    const environment = {
      ...ingest.environment,
      MAX_INLINE_BYTES: String(props.maxInlineBytes),
    } satisfies IngestEnvironment;
    const securityGroup = platform.network.taskSecurityGroup(scope, `${id}Access`, 'Ingest tasks');
    super(scope, id, {
      platform,
      entry: 'containers/ingest.ts',
      environment: {
        ...environment,
        PORT: String(ingestPort),
        MAX_BYTES_IN_HAND: String(bytesInHand(tasks)),
        // ECS takes a task from the load balancer before it asks it to stop, but not every node of it knows at once.
        DRAIN_SECONDS: '5',
      },
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
