import { ArnFormat, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  CfnStage,
  HttpApi,
  HttpMethod,
  HttpStage,
  type IAccessLogDestination,
  type IHttpRouteAuthorizer,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer, HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Auth, Links } from '../../lambdas/ingest/auth.ts';
import { authOf, routes, routesOf } from '../../lambdas/ingest/routes.ts';
import { acknowledge } from '../constructs/acknowledge.ts';
import type { Monitored } from '../constructs/monitored.ts';
import { requireType } from '../constructs/require-type.ts';
import { ServiceLogs } from '../constructs/service-logs.ts';
import { apiMonitoring } from './api-monitoring.ts';

/** Requests a second on average, and how many more may come in a burst. */
export interface Throttle {
  readonly perSecond: number;
  readonly burst: number;
}

/** For each route that shows the same to everyone. Their replies are large, and seldom needed. */
export const documentThrottle: Throttle = { perSecond: 5, burst: 50 };

export interface UploadApiProps {
  /** The name of the API. */
  readonly serviceName: string;
  readonly handler: IFunction;
  /** First segment of every path. */
  readonly stage: string;
  readonly auth: Auth;
  readonly links: Links;
  /** Pages of these origins may use the API. */
  readonly corsOrigins: readonly string[];
  /** For each route that takes uploads, which cost most. */
  readonly uploadThrottle: Throttle;
  /** For each other route. */
  readonly throttle: Throttle;
  readonly logRetention: RetentionDays;
}

/** The public HTTP API: only known routes reach the function, and each request is logged. */
export class UploadApi extends Construct {
  readonly api: HttpApi;
  readonly stage: HttpStage;
  readonly accessLogs: LogGroup;
  readonly monitored: Monitored;
  /** The API's address: with the stage, without a slash at the end. */
  readonly url: string;
  /** Where to POST an image. */
  readonly uploadUrl: string;

  constructor(scope: Construct, id: string, props: UploadApiProps) {
    super(scope, id);
    const api = new HttpApi(this, 'HttpApi', { apiName: props.serviceName, createDefaultStage: false });
    this.api = api;
    const integration = new HttpLambdaIntegration('Ingest', props.handler);
    const authorizer = authorizerOf(props.auth);
    const paths = new Set<string>();
    // The page's route stays where a setting turns the page off: the function then answers with 404. API
    // Gateway keeps the throttle of a route that is gone, and refuses each change of the stage with "Unable
    // to find Route by key" (aws/serverless-application-model#1939).
    const apiRoutes = routesOf({ auth: props.auth, uploadPage: true }).flatMap((route) => {
      const isOpen = authOf(route, props.auth, props.links) === 'none';
      // Browsers send preflight requests without a token.
      const preflight =
        props.corsOrigins.length > 0 && !paths.has(route.path)
          ? api.addRoutes({ path: route.path, methods: [HttpMethod.OPTIONS], integration })
          : [];
      paths.add(route.path);
      const own = api.addRoutes({
        path: route.path,
        // What may be read may be asked for with HEAD as well.
        methods: route.method === 'GET' ? [HttpMethod.GET, HttpMethod.HEAD] : [HttpMethod[route.method]],
        integration,
        authorizer: isOpen ? undefined : authorizer,
      });
      return [...own, ...preflight];
    });
    this.accessLogs = new ServiceLogs(this, 'AccessLogs', {
      retention: props.logRetention,
      // Each other log to which AWS delivers takes a part of the 5,120 characters of one policy, which is
      // never shortened (CloudWatch Logs User Guide, "Enable logging from AWS services", "Log group resource
      // policy size limit considerations").
      logGroupName: `/aws/vendedlogs/${props.serviceName}/api-access`,
    });
    this.stage = new HttpStage(this, 'Stage', {
      httpApi: api,
      stageName: props.stage,
      autoDeploy: true,
      throttle: { rateLimit: props.throttle.perSecond, burstLimit: props.throttle.burst },
      accessLogSettings: {
        destination: logDestination(this.accessLogs),
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
    throttleRoutes(this.stage, props.uploadThrottle);
    // The stage's settings for a route need the route to exist.
    this.stage.node.addDependency(...apiRoutes);
    this.url = this.stage.url;
    this.uploadUrl = `${this.url}${routes.upload.path}`;
    this.monitored = apiMonitoring({ stage: this.stage, accessLogs: this.accessLogs });
    acknowledge(
      this,
      'APIG4',
      'Which routes need authorization is a setting. The description of the API is always open. By default uploads are open too, which the README states, and so are links, which show an image only to those who know its hash.',
    );
  }
}

/**
 * API Gateway stores the ARN without the ":*" with which CloudFormation ends it: CDK's own destination would
 * be reported as drift for ever (aws/aws-cdk#38796).
 */
const logDestination = (logGroup: LogGroup): IAccessLogDestination => ({
  bind: () => ({
    destinationArn: Stack.of(logGroup).formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: logGroup.logGroupName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
  }),
});

/** How API Gateway authorizes callers. */
const authorizerOf = (auth: Auth): IHttpRouteAuthorizer | undefined => {
  if (auth === 'none') return undefined;
  if (auth === 'iam') return new HttpIamAuthorizer();
  return new HttpJwtAuthorizer('Callers', auth.jwt.issuer, { jwtAudience: auth.jwt.audience });
};

/** Limits the routes that have a limit of their own. */
const throttleRoutes = (stage: HttpStage, uploadThrottle: Throttle): void => {
  const limitsOf = ({ perSecond, burst }: Throttle) => ({
    ThrottlingRateLimit: perSecond,
    ThrottlingBurstLimit: burst,
  });
  const uploads = [routes.upload, routes.announce].map(
    ({ method, path }) => [`${method} ${path}`, limitsOf(uploadThrottle)] as const,
  );
  const documents = Object.values(routes)
    .filter(({ opens }) => opens === 'everyone')
    .flatMap(({ path }) =>
      ['GET', 'HEAD'].map((method) => [`${method} ${path}`, limitsOf(documentThrottle)] as const),
    );
  requireType(stage.node.defaultChild, CfnStage).routeSettings = Object.fromEntries([
    ...uploads,
    ...documents,
  ]);
};
