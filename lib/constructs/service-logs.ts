import { RemovalPolicy } from 'aws-cdk-lib';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

export interface ServiceLogsProps {
  readonly retention: RetentionDays;
  /** @default - a name from CloudFormation */
  readonly logGroupName?: string;
}

/** A log group that expires, and is deleted with the stack. */
export class ServiceLogs extends LogGroup {
  constructor(scope: Construct, id: string, { retention, logGroupName }: ServiceLogsProps) {
    super(scope, id, { retention, logGroupName, removalPolicy: RemovalPolicy.DESTROY });
  }
}
