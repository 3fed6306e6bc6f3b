import { GetApiCommand, GetRoutesCommand, GetStagesCommand, type Route } from '@aws-sdk/client-apigatewayv2';
import { authOf, routesOf } from '../../../../lambdas/ingest/routes.ts';
import type { AwsClients } from '../aws.ts';
import type { Check, Context } from '../check.ts';
import { failed, judge } from '../outcome.ts';

/** The HTTP API of the stack. */
export const apiIdOf = ({ stack }: Pick<Context, 'stack'>): string =>
  stack.of('AWS::ApiGatewayV2::Api')[0]?.physicalId ?? '';

const allRoutes = async ({ apiGateway }: AwsClients, ApiId: string): Promise<readonly Route[]> => {
  const routes: Route[] = [];
  let NextToken: string | undefined;
  do {
    const page = await apiGateway.send(new GetRoutesCommand({ ApiId, ...(NextToken && { NextToken }) }));
    routes.push(...(page.Items ?? []));
    NextToken = page.NextToken;
  } while (NextToken !== undefined && NextToken !== '');
  return routes;
};

/** How API Gateway names the three kinds of authorization. */
const authorizationTypes = { none: 'NONE', iam: 'AWS_IAM', jwt: 'JWT' } as const;

export const apiChecks: readonly Check[] = [
  {
    name: 'routes',
    group: 'api',
    quick: true,
    description:
      'The API has each route of its description, each with the authorization that `auth` and `links` ask for.',
    async run(context) {
      const { stack, aws } = context;
      const { auth, links, uploadPage } = await stack.settings();
      const deployed = new Map(
        (await allRoutes(aws, apiIdOf(context))).map((route) => [route.RouteKey, route]),
      );
      const faults: string[] = [];
      for (const route of routesOf({ auth, uploadPage })) {
        const required = authOf(route, auth, links);
        const type = authorizationTypes[typeof required === 'string' ? required : 'jwt'];
        for (const method of route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]) {
          const key = `${method} ${route.path}`;
          const found = deployed.get(key);
          if (found === undefined) faults.push(`The route ${key} is missing.`);
          else if ((found.AuthorizationType ?? 'NONE') !== type) {
            faults.push(`The route ${key} has the authorization ${found.AuthorizationType}, not ${type}.`);
          }
        }
      }
      return judge(faults, `${deployed.size} routes.`);
    },
  },
  {
    name: 'stage',
    group: 'api',
    quick: true,
    description:
      'The stage deploys changes by itself, limits requests, and no CORS rule of the API itself opens it to other pages.',
    async run(context) {
      const { stack, aws } = context;
      const ApiId = apiIdOf(context);
      const settings = await stack.settings();
      const { Items: stages = [] } = await aws.apiGateway.send(new GetStagesCommand({ ApiId }));
      const stage = stages.find(({ StageName }) => StageName === settings.stage);
      if (stage === undefined) return failed(`The API has no stage ${settings.stage}.`);
      const { CorsConfiguration } = await aws.apiGateway.send(new GetApiCommand({ ApiId }));
      const { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst } = stage.DefaultRouteSettings ?? {};
      const faults = [
        ...(stage.AutoDeploy ? [] : [`The stage ${settings.stage} does not deploy changes by itself.`]),
        ...(rate && burst ? [] : ['The stage does not limit requests.']),
        // The function answers preflight requests; rules of the API would take its place.
        ...(CorsConfiguration?.AllowOrigins?.length ? ['The API has CORS rules of its own.'] : []),
      ];
      return judge(faults, `Stage ${settings.stage}, ${rate} requests a second, ${burst} in a burst.`);
    },
  },
];
