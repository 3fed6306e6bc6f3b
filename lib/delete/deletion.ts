import { Duration } from 'aws-cdk-lib';

/** The longest that deleting one image may take: as long as its lease. */
export const deletionTimeout = Duration.seconds(60);
