import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { Alarms } from '../constructs/alarms.ts';
import type { Monitored } from '../constructs/monitored.ts';
import { type CostEstimateProps, costEstimate } from './cost-estimate.ts';
import { Dashboard } from './dashboard.ts';

export interface MonitoringProps
  extends Pick<CostEstimateProps, 'variantCount' | 'stage' | 'catalog' | 'imageEvents'> {
  readonly serviceName: string;
  /** In the order in which alarms and widgets appear. */
  readonly capabilities: readonly Monitored[];
  /** Receives a message when an alarm goes off, and when it is over. */
  readonly alerts: ITopic;
  readonly usualImagesPerHour: number;
}

/** Makes the alarms and the dashboard from what each capability contributes. */
export class Monitoring extends Construct {
  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const { serviceName, capabilities, alerts, usualImagesPerHour, ...costs } = props;
    const { alarms } = new Alarms(this, 'Alarms', {
      serviceName,
      alerts,
      rows: capabilities.flatMap((each) => each.alarms ?? []),
    });
    new Dashboard(this, 'Dashboard', {
      serviceName,
      capabilities,
      alarms,
      usualImagesPerHour,
      costs: (period) => costEstimate({ ...costs, serviceName, capabilities }, period),
    });
  }
}
