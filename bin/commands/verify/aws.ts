import { ApiGatewayV2Client } from '@aws-sdk/client-apigatewayv2';
import { AthenaClient } from '@aws-sdk/client-athena';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';

/** With the region and credentials of the AWS CLI. */
export const createAwsClients = () => ({
  apiGateway: new ApiGatewayV2Client(),
  athena: new AthenaClient(),
  cloudFormation: new CloudFormationClient(),
  cloudWatch: new CloudWatchClient(),
  dynamodb: new DynamoDBClient(),
  eventBridge: new EventBridgeClient(),
  lambda: new LambdaClient(),
  loadBalancing: new ElasticLoadBalancingV2Client(),
  logs: new CloudWatchLogsClient(),
  s3: new S3Client(),
  sns: new SNSClient(),
  sqs: new SQSClient({ useQueueUrlAsEndpoint: false }),
});

export type AwsClients = ReturnType<typeof createAwsClients>;
