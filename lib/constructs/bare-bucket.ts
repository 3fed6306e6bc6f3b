import { RemovalPolicy } from 'aws-cdk-lib';
import { CfnBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/**
 * A bucket of which nothing is said, to import one in any state. An import changes no property, and a later
 * deployment changes only those that differ between two templates (CloudFormation User Guide, "Import AWS
 * resources into a CloudFormation stack"). So the deployment after the import sets each property, above all
 * the notification, which still leads to the queue of an earlier stack.
 */
export class BareBucket extends Construct {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    new CfnBucket(this, 'Resource').applyRemovalPolicy(RemovalPolicy.RETAIN);
  }
}
