import {
  GetApiCommand,
  GetRoutesCommand,
  GetStagesCommand,
  type Route,
  type Stage,
} from '@aws-sdk/client-apigatewayv2';
import * as z from 'zod';
import { authOf, routesOf } from '../../../../lambdas/ingest/routes.ts';
import type { AwsClients } from '../aws.ts';
import type { Check, Context } from '../check.ts';
import { counted, judge, NotAsExpected } from '../outcome.ts';

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

/** The stage that requests go to. */
export const stageOf = async (context: Context): Promise<Stage> => {
  const { stack, aws } = context;
  const { stage: name } = await stack.settings();
  const { Items: stages = [] } = await aws.apiGateway.send(new GetStagesCommand({ ApiId: apiIdOf(context) }));
  const stage = stages.find(({ StageName }) => StageName === name);
  if (stage === undefined) throw new NotAsExpected(`The API has no stage ${name}.`);
  return stage;
};

/** Not a route: the limit of each route that has none of its own. */
const allOthers = 'Each other route';

const throttleSchema = z
  .looseObject({ ThrottlingRateLimit: z.number(), ThrottlingBurstLimit: z.number() })
  .transform(({ ThrottlingRateLimit, ThrottlingBurstLimit }) => ({
    perSecond: ThrottlingRateLimit,
    burst: ThrottlingBurstLimit,
  }));

const stageSchema = z.looseObject({
  DefaultRouteSettings: throttleSchema,
  RouteSettings: z.record(z.string(), throttleSchema),
});

/** The limits in the template, by route. */
export const throttlesOf = ({
  stack,
}: Pick<Context, 'stack'>): Readonly<Record<string, z.output<typeof throttleSchema>>> => {
  const [stage] = stack.of('AWS::ApiGatewayV2::Stage');
  const { DefaultRouteSettings, RouteSettings } = stageSchema.parse(stage?.properties);
  return { ...RouteSettings, [allOthers]: DefaultRouteSettings };
};

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
      return judge(faults, `${counted(deployed.size, 'route')}.`);
    },
  },
  {
    name: 'stage',
    group: 'api',
    quick: true,
    description:
      'The stage deploys changes by itself, and no CORS rule of the API takes the place of its own.',
    async run(context) {
      const ApiId = apiIdOf(context);
      const { AutoDeploy, StageName } = await stageOf(context);
      const { CorsConfiguration } = await context.aws.apiGateway.send(new GetApiCommand({ ApiId }));
      const faults = [
        ...(AutoDeploy ? [] : [`The stage ${StageName} does not deploy changes by itself.`]),
        // The function answers preflight requests of the origins that it knows.
        ...(CorsConfiguration?.AllowOrigins?.length
          ? [`The API is open to pages of ${CorsConfiguration.AllowOrigins.join(', ')}.`]
          : []),
      ];
      return judge(faults, `Stage ${StageName}.`);
    },
  },
  {
    name: 'throttles',
    group: 'api',
    quick: true,
    description: 'The stage limits requests as the template says.',
    async run(context) {
      const { DefaultRouteSettings = {}, RouteSettings = {} } = await stageOf(context);
      const expected = throttlesOf(context);
      const faults = Object.entries(expected).flatMap(([route, { burst, perSecond }]) => {
        const found = route === allOthers ? DefaultRouteSettings : RouteSettings[route];
        return found?.ThrottlingBurstLimit === burst && found.ThrottlingRateLimit === perSecond
          ? []
          : [`${route}: ${found?.ThrottlingRateLimit ?? 'unlimited'} requests a second, not ${perSecond}.`];
      });
      return judge(faults, `${counted(Object.keys(expected).length, 'limit')}.`);
    },
  },
];
