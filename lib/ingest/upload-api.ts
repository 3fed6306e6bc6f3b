import { RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  CfnStage,
  HttpApi,
  HttpMethod,
  HttpStage,
  type IHttpRouteAuthorizer,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer, HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Auth, Links } from '../../lambdas/ingest/auth.ts';
import { authOf, routes } from '../../lambdas/ingest/routes.ts';

/** How many requests are taken a second on average, and at once beyond that. */
export interface Throttle {
  readonly perSecond: number;
  readonly burst: number;
}

export interface UploadApiProps {
  readonly handler: IFunction;
  /** First segment of every path. */
  readonly stage: string;
  readonly auth: Auth;
  readonly links: Links;
  readonly uploadThrottle: Throttle;
  /** Of each other route. */
  readonly throttle: Throttle;
  readonly logRetention: RetentionDays;
}

/** The public HTTP API: only the routes named here reach the function, and each request leaves a line in a log. */
export class UploadApi extends Construct {
  readonly api: HttpApi;
  readonly stage: HttpStage;
  readonly accessLogs: LogGroup;
  /** Where people reach it: with the stage, without a slash at the end. */
  readonly url: string;
  /** Where to POST an image. */
  readonly uploadUrl: string;

  constructor(scope: Construct, id: string, props: UploadApiProps) {
    super(scope, id);
    const api = new HttpApi(this, 'HttpApi', { createDefaultStage: false });
    this.api = api;
    const integration = new HttpLambdaIntegration('Ingest', props.handler);
    const authorizer = authorizerOf(props.auth);
    const apiRoutes = Object.values(routes).flatMap((route) => {
      const isOpen = authOf(route, props.auth, props.links) === 'none';
      return api.addRoutes({
        path: route.path,
        // Whoever may GET something may ask for its headers only.
        methods: route.method === 'GET' ? [HttpMethod.GET, HttpMethod.HEAD] : [HttpMethod[route.method]],
        integration,
        authorizer: isOpen ? undefined : authorizer,
      });
    });
    this.accessLogs = new LogGroup(this, 'AccessLogs', {
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.stage = new HttpStage(this, 'Stage', {
      httpApi: api,
      stageName: props.stage,
      autoDeploy: true,
      throttle: { rateLimit: props.throttle.perSecond, burstLimit: props.throttle.burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.accessLogs),
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
    throttleUploads(this.stage, props.uploadThrottle);
    // What a stage says of a route holds only once the route is there.
    this.stage.node.addDependency(...apiRoutes);
    this.url = this.stage.url;
    this.uploadUrl = `${this.url}${routes.upload.path}`;
  }
}

/** API Gateway's own check of the callers. */
const authorizerOf = (auth: Auth): IHttpRouteAuthorizer | undefined => {
  if (auth === 'none') return undefined;
  if (auth === 'iam') return new HttpIamAuthorizer();
  return new HttpJwtAuthorizer('Callers', auth.jwt.issuer, { jwtAudience: auth.jwt.audience });
};

/** Uploads cost most: they have a limit of their own. */
const throttleUploads = (stage: HttpStage, { perSecond, burst }: Throttle): void => {
  const cfnStage = stage.node.defaultChild;
  if (!(cfnStage instanceof CfnStage)) throw new Error(`${stage.node.path} is no stage of CloudFormation`);
  const limits = { ThrottlingRateLimit: perSecond, ThrottlingBurstLimit: burst };
  cfnStage.routeSettings = Object.fromEntries(
    [routes.upload, routes.announce].map(({ method, path }) => [`${method} ${path}`, limits]),
  );
};
