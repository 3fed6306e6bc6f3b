import {
  DescribeStacksCommand,
  GetTemplateCommand,
  paginateListStackResources,
  type Stack,
} from '@aws-sdk/client-cloudformation';
import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { type IngestEnvironment, ingestEnvironment } from '../../../lambdas/ingest/environment.ts';
import { readEnvironment } from '../../../lambdas/runtime/environment.ts';
import { describeAwsError } from '../aws-errors.ts';
import { UsageError } from '../command.ts';
import type { AwsClients } from './aws.ts';
import { NotAsExpected } from './outcome.ts';

/** A resource of the stack, as it was deployed. */
export interface StackResource {
  readonly logicalId: string;
  readonly type: string;
  /** The name, URL, ARN or id in AWS, whichever CloudFormation uses for this type. */
  readonly physicalId: string;
  /** Of CloudFormation, such as CREATE_COMPLETE. */
  readonly status: string;
  /** Its properties in the template: functions such as Ref are not resolved. */
  readonly properties: Readonly<Record<string, unknown>>;
}

const outputsSchema = z.object({
  UploadUrl: z.url(),
  RawBucketName: z.string(),
  ThumbnailBucketName: z.string(),
  CatalogTableName: z.string(),
  ResizeQueueUrl: z.url(),
  ReconcilerFunctionName: z.string(),
  AlertsTopicArn: z.string(),
  ImageEventsTopicArn: z.string(),
  // Only with mail.
  MailRequestsTableName: z.string().optional(),
  // Only with a domain.
  PublicUploadUrl: z.url().optional(),
  // Only with containers.
  LoadBalancerDnsName: z.string().optional(),
});
export type StackOutputs = z.output<typeof outputsSchema>;

export interface DeployedStack {
  readonly name: string;
  readonly region: string;
  /** Of CloudFormation, such as UPDATE_COMPLETE. */
  readonly status: string;
  readonly changedAt: Date;
  readonly outputs: StackOutputs;
  /** All outputs by name. */
  readonly allOutputs: Readonly<Record<string, string>>;
  readonly resources: readonly StackResource[];
  /** The resources of a type. */
  of(type: string): readonly StackResource[];
  /**
   * What ingest reads from its environment: the settings of this deployment.
   *
   * @throws NotAsExpected when a variable is missing or malformed
   */
  settings(): Promise<IngestEnvironment>;
}

const templateSchema = z.looseObject({
  Resources: z.record(
    z.string(),
    z.looseObject({ Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
});

export const variablesSchema = z.looseObject({
  Environment: z.looseObject({ Variables: z.record(z.string(), z.unknown()) }),
});

/** A status in which the resources are not there, or are about to go. */
const isUnusable = (status: string): boolean =>
  /^(?:REVIEW_IN_PROGRESS|CREATE_FAILED|ROLLBACK_\w+|DELETE_\w+)$/.test(status);

/**
 * Reads a stack of this app.
 *
 * @throws UsageError when there is no such stack, it is still changing, or it is not of this app
 */
export const readDeployedStack = async (name: string, aws: AwsClients): Promise<DeployedStack> => {
  const region = await aws.cloudFormation.config.region();
  const stack = await describeStack(name, region, aws);
  const { StackStatus: status = '' } = stack;
  if (isUnusable(status)) {
    throw new UsageError(
      `The stack ${name} in ${region} is not deployed (${status}). Its events in CloudFormation show why; deploy it again.`,
    );
  }
  if (status.endsWith('_IN_PROGRESS')) {
    throw new UsageError(
      `The stack ${name} in ${region} is still changing (${status}). Wait until that ends: aws cloudformation wait ${status.startsWith('CREATE_') ? 'stack-create-complete' : 'stack-update-complete'} --stack-name ${name}`,
    );
  }
  const allOutputs = Object.fromEntries(
    (stack.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
  );
  const outputs = outputsSchema.safeParse(allOutputs);
  if (!outputs.success) {
    const missing = outputs.error.issues.map(({ path }) => path.join('.')).join(', ');
    throw new UsageError(
      `The stack ${name} in ${region} is no Thumbnail Generator: its outputs lack ${missing}. Give --stack the name of yours.`,
    );
  }

  const resources = await readResources(name, aws);
  let settings: Promise<IngestEnvironment> | undefined;
  return {
    name,
    region,
    status,
    changedAt: stack.LastUpdatedTime ?? stack.CreationTime ?? new Date(),
    outputs: outputs.data,
    allOutputs,
    resources,
    of: (type) => resources.filter((resource) => resource.type === type),
    settings: () => {
      settings ??= readSettings(resources, aws);
      return settings;
    },
  };
};

const describeStack = async (
  name: string,
  region: string,
  { cloudFormation }: AwsClients,
): Promise<Stack> => {
  try {
    const { Stacks: [stack] = [] } = await cloudFormation.send(
      new DescribeStacksCommand({ StackName: name }),
    );
    if (stack !== undefined) return stack;
  } catch (error) {
    if (describeAwsError(error).kind !== 'not-found') throw error;
  }
  throw new UsageError(
    `There is no stack ${name} in ${region} with these credentials. Check --stack, AWS_REGION and AWS_PROFILE.`,
  );
};

const readResources = async (
  StackName: string,
  { cloudFormation }: AwsClients,
): Promise<readonly StackResource[]> => {
  const { TemplateBody = '{}' } = await cloudFormation.send(
    new GetTemplateCommand({ StackName, TemplateStage: 'Processed' }),
  );
  const template = templateSchema.parse(JSON.parse(TemplateBody));
  const resources: StackResource[] = [];
  for await (const page of paginateListStackResources({ client: cloudFormation }, { StackName })) {
    for (const summary of page.StackResourceSummaries ?? []) {
      const { LogicalResourceId: logicalId = '', ResourceStatus: status = '' } = summary;
      if (status === 'DELETE_COMPLETE') continue;
      resources.push({
        logicalId,
        status,
        type: summary.ResourceType ?? '',
        physicalId: summary.PhysicalResourceId ?? '',
        properties: template.Resources[logicalId]?.Properties ?? {},
      });
    }
  }
  return resources;
};

/** The variables that a function has in the template; undefined if it has none. */
export const templateVariables = ({
  properties,
}: StackResource): Readonly<Record<string, unknown>> | undefined => {
  const { success, data } = variablesSchema.safeParse(properties);
  return success ? data.Environment.Variables : undefined;
};

const readSettings = async (
  resources: readonly StackResource[],
  { lambda }: AwsClients,
): Promise<IngestEnvironment> => {
  const ingest = resources.find(
    (resource) =>
      resource.type === 'AWS::Lambda::Function' && templateVariables(resource)?.['MAX_INLINE_BYTES'],
  );
  if (ingest === undefined) throw new NotAsExpected('The template has no ingest function.');
  const { Environment } = await lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: ingest.physicalId }),
  );
  try {
    return readEnvironment(ingestEnvironment, Environment?.Variables ?? {});
  } catch (error) {
    const reason = error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error);
    throw new NotAsExpected(`${ingest.logicalId} cannot start. ${reason}.`);
  }
};
