import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { clientConfig, queueUrl, resources, topicArn } from '../../../local/aws.ts';
import { dataFolderOf, readCredentials } from '../../../local/data-folder.ts';
import { endpointOf, type Ports } from '../../../local/ports.ts';
import { UsageError } from '../command.ts';
import { outputsOf } from '../stack-outputs.ts';

/** Where images are repaired. */
export interface Place {
  readonly rawBucket: string;
  readonly thumbnailBucket: string;
  readonly catalogTable: string;
  readonly resizeQueueUrl: string;
  readonly imageEventsTopicArn: string;
  readonly s3: S3Client;
  readonly dynamodb: DynamoDBClient;
  readonly sqs: SQSClient;
  readonly sns: SNSClient;
}

/** What `npm start` runs. */
export const localPlace = (ports: Ports): Place => {
  const credentials = readCredentials(dataFolderOf(ports.api));
  const at = (port: number) => clientConfig(endpointOf(port), credentials);
  return {
    ...resources,
    resizeQueueUrl: queueUrl(endpointOf(ports.sqs), resources.resizeQueue),
    imageEventsTopicArn: topicArn(resources.imageEventsTopic),
    s3: new S3Client({ ...at(ports.s3), forcePathStyle: true }),
    dynamodb: new DynamoDBClient(at(ports.dynamodb)),
    sqs: new SQSClient(at(ports.sqs)),
    sns: new SNSClient(at(ports.sqs)),
  };
};

/** @throws UsageError when there is no such stack */
export const placeOfStack = async (
  stackName: string,
  cloudFormation: CloudFormationClient = new CloudFormationClient(),
): Promise<Place> => {
  const outputs = await outputsOf(stackName, cloudFormation);
  const output = (key: string): string => {
    const value = outputs.find(({ OutputKey }) => OutputKey === key)?.OutputValue;
    if (value === undefined) throw new UsageError(`The stack ${stackName} has no output ${key}.`);
    return value;
  };
  return {
    rawBucket: output('RawBucketName'),
    thumbnailBucket: output('ThumbnailBucketName'),
    catalogTable: output('CatalogTableName'),
    resizeQueueUrl: output('ResizeQueueUrl'),
    imageEventsTopicArn: output('ImageEventsTopicArn'),
    s3: new S3Client(),
    dynamodb: new DynamoDBClient(),
    sqs: new SQSClient(),
    sns: new SNSClient(),
  };
};
