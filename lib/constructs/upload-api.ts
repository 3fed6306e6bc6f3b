import { RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { routes } from '../../lambdas/ingest/routes.ts';

export interface UploadApiProps {
  readonly handler: IFunction;
  /** First segment of every path. */
  readonly stage: string;
  readonly throttleRequestsPerSecond: number;
  readonly throttleBurstRequests: number;
  readonly logRetention: RetentionDays;
}

/** The public HTTP API: only the routes named here reach the function, and each request leaves a line in a log. */
export class UploadApi extends Construct {
  /** Where to POST an image. */
  readonly uploadUrl: string;

  constructor(scope: Construct, id: string, props: UploadApiProps) {
    super(scope, id);
    const api = new HttpApi(this, 'HttpApi', { createDefaultStage: false });
    const integration = new HttpLambdaIntegration('Ingest', props.handler);
    for (const { method, path } of Object.values(routes)) {
      // Whoever may GET something may ask for its headers only.
      const methods = method === 'GET' ? [HttpMethod.GET, HttpMethod.HEAD] : [HttpMethod[method]];
      api.addRoutes({ path, methods, integration });
    }
    const accessLogs = new LogGroup(this, 'AccessLogs', {
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const stage = new HttpStage(this, 'Stage', {
      httpApi: api,
      stageName: props.stage,
      autoDeploy: true,
      throttle: { rateLimit: props.throttleRequestsPerSecond, burstLimit: props.throttleBurstRequests },
      accessLogSettings: {
        destination: new LogGroupLogDestination(accessLogs),
        format: AccessLogFormat.custom(
          JSON.stringify({
            time: '$context.requestTime',
            requestId: '$context.requestId',
            ip: '$context.identity.sourceIp',
            route: '$context.routeKey',
            status: '$context.status',
            responseBytes: '$context.responseLength',
            milliseconds: '$context.responseLatency',
            error: '$context.error.message',
            integrationError: '$context.integrationErrorMessage',
          }),
        ),
      },
    });
    this.uploadUrl = `${stage.url}${routes.upload.path}`;
  }
}
