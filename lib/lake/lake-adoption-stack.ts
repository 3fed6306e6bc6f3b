import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { BareBucket } from '../constructs/bare-bucket.ts';

/** The part of the data lake that outlives its stack, for `cdk import`. A deployment adds all else. */
export class LakeAdoptionStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    new BareBucket(this, 'Bucket');
  }
}
