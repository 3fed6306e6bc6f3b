import { DescribeTargetHealthCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Check } from '../check.ts';
import { counted, judge, skipped } from '../outcome.ts';

export const containerChecks: readonly Check[] = [
  {
    name: 'targets-healthy',
    group: 'containers',
    quick: true,
    description: 'The load balancer has targets, and all are healthy.',
    async run({ stack, aws }) {
      const targetGroups = stack.of('AWS::ElasticLoadBalancingV2::TargetGroup');
      if (targetGroups.length === 0) return skipped('No containers: compute is "lambda".');
      const faults: string[] = [];
      let healthy = 0;
      for (const { logicalId, physicalId } of targetGroups) {
        const { TargetHealthDescriptions: targets = [] } = await aws.loadBalancing.send(
          new DescribeTargetHealthCommand({ TargetGroupArn: physicalId }),
        );
        // A target that is replaced drains for a while, which is no fault.
        const present = targets.filter(({ TargetHealth }) => TargetHealth?.State !== 'draining');
        if (present.length === 0) faults.push(`${logicalId} has no targets.`);
        for (const { Target, TargetHealth: { State, Description = '' } = {} } of present) {
          if (State === 'healthy') healthy += 1;
          else faults.push(`${Target?.Id} is ${State} ${Description}`.trim());
        }
      }
      return judge(faults, `Healthy: ${counted(healthy, 'target')}.`);
    },
  },
];
