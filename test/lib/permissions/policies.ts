import type { Template } from 'aws-cdk-lib/assertions';

export const region = 'us-east-2';
export const accountId = '111122223333';

/** One action that a role may perform on some resources, which may contain `*`. */
export interface Grant {
  readonly role: string;
  readonly action: string;
  readonly resources: readonly string[];
}

interface Resource {
  readonly Type: string;
  readonly Properties?: unknown;
}

type Resources = Readonly<Record<string, Resource>>;

const withoutHash = (logicalId: string): string => logicalId.replace(/[0-9A-F]{8}$/, '');

/** A resource's `Ref` and `Arn` after a deployment, with names made of logical ids. */
const concrete = (logicalId: string, { Type }: Resource): { readonly ref: string; readonly arn: string } => {
  const name = withoutHash(logicalId)
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-')
    .toLowerCase();
  const arn = (service: string, rest: string) => `arn:aws:${service}:${region}:${accountId}:${rest}`;
  switch (Type) {
    case 'AWS::S3::Bucket':
      return { ref: name, arn: `arn:aws:s3:::${name}` };
    case 'AWS::SQS::Queue':
      return { ref: `https://sqs.${region}.amazonaws.com/${accountId}/${name}`, arn: arn('sqs', name) };
    case 'AWS::DynamoDB::Table':
      return { ref: name, arn: arn('dynamodb', `table/${name}`) };
    case 'AWS::SNS::Topic':
      return { ref: arn('sns', name), arn: arn('sns', name) };
    case 'AWS::SES::EmailIdentity':
    case 'AWS::SES::ConfigurationSet':
    case 'AWS::ApiGatewayV2::Api':
      return { ref: name, arn: `none of ${Type} is used` };
    case 'AWS::IAM::Role':
      return { ref: name, arn: `arn:aws:iam::${accountId}:role/${name}` };
    case 'AWS::Logs::LogGroup':
      return { ref: name, arn: arn('logs', `log-group:${name}:*`) };
    default:
      throw new Error(`No concrete name for ${logicalId}, a ${Type}`);
  }
};

const pseudoParameters: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': region,
  'AWS::AccountId': accountId,
  'AWS::URLSuffix': 'amazonaws.com',
};

/** Resolves the intrinsic functions of this app's templates. */
const resolver = (resources: Resources) => {
  const find = (logicalId: string) => {
    const resource = resources[logicalId];
    if (resource === undefined) throw new Error(`The template has no ${logicalId}`);
    return concrete(logicalId, resource);
  };
  const resolve = (value: unknown): string => {
    if (typeof value === 'string') return value;
    if (typeof value !== 'object' || value === null)
      throw new Error(`Cannot resolve ${JSON.stringify(value)}`);
    const [[name, argument] = []] = Object.entries(value);
    if (name === 'Ref' && typeof argument === 'string' && argument in pseudoParameters)
      return pseudoParameters[argument] ?? '';
    if (name === 'Ref' && typeof argument === 'string') return find(argument).ref;
    if (name === 'Fn::GetAtt' && Array.isArray(argument) && argument[1] === 'Arn')
      return find(argument[0]).arn;
    if (name === 'Fn::Join' && Array.isArray(argument)) return argument[1].map(resolve).join(argument[0]);
    if (name === 'Fn::Sub' && typeof argument === 'string') {
      return argument.replaceAll(/\$\{([^}]+)\}/g, (_, reference) => resolve({ Ref: reference }));
    }
    throw new Error(`Cannot resolve ${JSON.stringify(value)}`);
  };
  return resolve;
};

const resourcesOf = (template: Template): Resources => template.toJSON()['Resources'];

/** Every action that a policy of a role allows, with resolved resources. */
export const grantsOf = (template: Template): readonly Grant[] => {
  const resolve = resolver(resourcesOf(template));
  return Object.values(template.findResources('AWS::IAM::Policy')).flatMap(({ Properties }) => {
    const { Roles, PolicyDocument } = Properties;
    return Roles.flatMap((role: { readonly Ref: string }) =>
      PolicyDocument.Statement.flatMap(({ Effect, Action, Resource }: Record<string, unknown>) => {
        if (Effect !== 'Allow') throw new Error('Only statements that allow are understood');
        return [Action].flat().map((action) => ({
          role: withoutHash(role.Ref),
          action: String(action),
          resources: [Resource].flat().map(resolve),
        }));
      }),
    );
  });
};

/** The environment and the role of a function. */
export const deployedFunction = (template: Template, name: string) => {
  const resolve = resolver(resourcesOf(template));
  const found = Object.entries(template.findResources('AWS::Lambda::Function')).find(
    ([logicalId]) => withoutHash(logicalId) === name,
  );
  if (found === undefined) throw new Error(`The template has no function ${name}`);
  const [, { Properties }] = found;
  return {
    role: withoutHash(Properties.Role['Fn::GetAtt'][0]),
    environment: Object.fromEntries(
      Object.entries(Properties.Environment.Variables).map(([key, value]) => [key, resolve(value)]),
    ),
  };
};

/** The environment and the role of a service's container. */
export const deployedContainer = (template: Template, name: string) => {
  const resolve = resolver(resourcesOf(template));
  const found = Object.entries(template.findResources('AWS::ECS::TaskDefinition')).find(
    ([logicalId]) => withoutHash(logicalId) === name,
  );
  if (found === undefined) throw new Error(`The template has no task ${name}`);
  const [, { Properties }] = found;
  const variables: readonly { readonly Name: string; readonly Value: unknown }[] =
    Properties.ContainerDefinitions[0].Environment;
  return {
    role: withoutHash(Properties.TaskRoleArn['Fn::GetAtt'][0]),
    environment: Object.fromEntries(variables.map(({ Name, Value }) => [Name, resolve(Value)])),
  };
};

/** Whether a resource of a policy matches an ARN. */
export const covers = (pattern: string, resource: string): boolean =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    's',
  ).test(resource);
