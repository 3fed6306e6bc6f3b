import { GetApiCommand } from '@aws-sdk/client-apigatewayv2';
import {
  type CORSRule,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketPolicyCommand,
  GetPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import * as z from 'zod';
import { routes, routesOf } from '../../../../lambdas/ingest/routes.ts';
import { describeAwsError } from '../../aws-errors.ts';
import type { Check, Context } from '../check.ts';
import { counted, judge } from '../outcome.ts';
import { apiIdOf } from './api.ts';

/** The buckets of images, also if another stack created them, and all others of the stack. */
const bucketsOf = ({ stack }: Context): readonly string[] => [
  ...new Set([
    stack.outputs.RawBucketName,
    stack.outputs.ThumbnailBucketName,
    ...stack.of('AWS::S3::Bucket').map(({ physicalId }) => physicalId),
  ]),
];

/** What a bucket has of something; undefined if it has none. */
const ifFound = async <Found>(ask: () => Promise<Found>): Promise<Found | undefined> => {
  try {
    return await ask();
  } catch (error) {
    if (describeAwsError(error).kind === 'not-found') return undefined;
    throw error;
  }
};

const policySchema = z.looseObject({
  Statement: z.array(
    z.looseObject({ Effect: z.string(), Principal: z.unknown(), Condition: z.unknown().optional() }),
  ),
});

/** Whether a policy refuses requests without TLS. */
export const refusesPlainHttp = (policy: z.output<typeof policySchema>): boolean =>
  policy.Statement.some(
    ({ Effect, Condition }) =>
      Effect === 'Deny' && JSON.stringify(Condition ?? {}).includes('"aws:SecureTransport":"false"'),
  );

/** Whether a statement allows something to everyone. */
const isOpenToAll = ({ Effect, Principal, Condition }: z.output<typeof policySchema>['Statement'][number]) =>
  Effect === 'Allow' && Condition === undefined && ['"*"', '{"AWS":"*"}'].includes(JSON.stringify(Principal));

const originsOf = (rules: readonly CORSRule[]): readonly string[] =>
  rules.flatMap(({ AllowedOrigins = [] }) => AllowedOrigins);

/** Who may reach the buckets. */
export const bucketChecks: readonly Check[] = [
  {
    name: 'buckets-private',
    group: 'buckets',
    quick: true,
    description: 'Each bucket blocks all public access, and is encrypted.',
    async run(context) {
      const { s3 } = context.aws;
      const buckets = bucketsOf(context);
      const faults: string[] = [];
      for (const Bucket of buckets) {
        const access = await ifFound(() => s3.send(new GetPublicAccessBlockCommand({ Bucket })));
        const block = access?.PublicAccessBlockConfiguration ?? {};
        const open = (
          ['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets'] as const
        ).filter((name) => block[name] !== true);
        if (open.length > 0) faults.push(`${Bucket} does not block public access (${open.join(', ')}).`);
        const encryption = await ifFound(() => s3.send(new GetBucketEncryptionCommand({ Bucket })));
        if (!encryption?.ServerSideEncryptionConfiguration?.Rules?.length) {
          faults.push(`${Bucket} is not encrypted.`);
        }
      }
      return judge(faults, `${counted(buckets.length, 'bucket')}.`);
    },
  },
  {
    name: 'bucket-policies',
    group: 'buckets',
    quick: true,
    description: 'Each bucket refuses requests without TLS, and its policy allows nothing to everyone.',
    async run(context) {
      const { s3 } = context.aws;
      const buckets = bucketsOf(context);
      const faults: string[] = [];
      for (const Bucket of buckets) {
        const found = await ifFound(() => s3.send(new GetBucketPolicyCommand({ Bucket })));
        const policy = policySchema.parse(JSON.parse(found?.Policy ?? '{"Statement":[]}'));
        if (!refusesPlainHttp(policy)) faults.push(`${Bucket} does not refuse requests without TLS.`);
        if (policy.Statement.some(isOpenToAll))
          faults.push(`The policy of ${Bucket} allows something to everyone.`);
      }
      return judge(faults, `Policies of ${counted(buckets.length, 'bucket')}.`);
    },
  },
  {
    name: 'buckets-cors',
    group: 'buckets',
    quick: true,
    description: 'Pages of no origins but the own one and those of `corsOrigins` may use the buckets.',
    async run(context) {
      const { stack, aws } = context;
      const settings = await stack.settings();
      const { corsOrigins } = settings;
      const { PublicUploadUrl, RawBucketName, ThumbnailBucketName } = stack.outputs;
      const { ApiEndpoint } = await aws.apiGateway.send(new GetApiCommand({ ApiId: apiIdOf(context) }));
      const hasPage = routesOf(settings).includes(routes.page);
      const own = [ApiEndpoint, PublicUploadUrl].flatMap((url) =>
        url === undefined ? [] : new URL(url).origin,
      );
      const expected = new Map<string, readonly string[]>([
        [RawBucketName, hasPage ? [...own, ...corsOrigins] : corsOrigins],
        [ThumbnailBucketName, corsOrigins],
      ]);
      const faults: string[] = [];
      for (const Bucket of bucketsOf(context)) {
        const found = await ifFound(() => aws.s3.send(new GetBucketCorsCommand({ Bucket })));
        const origins = originsOf(found?.CORSRules ?? []);
        const allowed = expected.get(Bucket) ?? [];
        const more = origins.filter((origin) => !allowed.includes(origin));
        const fewer = allowed.filter((origin) => !origins.includes(origin));
        if (more.length > 0) faults.push(`${Bucket} is open to pages of ${more.join(', ')}.`);
        if (fewer.length > 0) faults.push(`${Bucket} is closed to pages of ${fewer.join(', ')}.`);
      }
      const all = new Set([...expected.values()].flat());
      return judge(faults, all.size === 0 ? 'No origins.' : `Origins: ${[...all].join(', ')}.`);
    },
  },
];
