import { RemovalPolicy } from 'aws-cdk-lib';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

export interface ServiceLogsProps {
  readonly retention: RetentionDays;
}

/** What a part of the service says while it works: not for ever, and no longer than the stack. */
export class ServiceLogs extends LogGroup {
  constructor(scope: Construct, id: string, { retention }: ServiceLogsProps) {
    super(scope, id, { retention, removalPolicy: RemovalPolicy.DESTROY });
  }
}
