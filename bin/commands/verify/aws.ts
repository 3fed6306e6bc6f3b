import { ApiGatewayV2Client } from '@aws-sdk/client-apigatewayv2';
import { AthenaClient } from '@aws-sdk/client-athena';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';

/** @param config of each client. @default - the region and credentials of the AWS CLI */
export const createAwsClients = (
  config: Pick<S3ClientConfig, 'endpoint' | 'region' | 'credentials'> = {},
) => ({
  apiGateway: new ApiGatewayV2Client(config),
  athena: new AthenaClient(config),
  cloudFormation: new CloudFormationClient(config),
  cloudWatch: new CloudWatchClient(config),
  dynamodb: new DynamoDBClient(config),
  eventBridge: new EventBridgeClient(config),
  lambda: new LambdaClient(config),
  loadBalancing: new ElasticLoadBalancingV2Client(config),
  logs: new CloudWatchLogsClient(config),
  s3: new S3Client(config),
  sns: new SNSClient(config),
  sqs: new SQSClient({ ...config, useQueueUrlAsEndpoint: false }),
});

export type AwsClients = ReturnType<typeof createAwsClients>;
