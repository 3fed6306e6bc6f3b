import type { Template } from 'aws-cdk-lib/assertions';
import { inContainers, resourcesOf, templateWith } from '../stacks.ts';
import { attribute, only, serviceNames } from './deployed-containers.ts';

let template: Template;

beforeAll(() => {
  template = templateWith(inContainers);
});

describe('roles', () => {
  const statementsOf = (of: Template, name: string) =>
    only(of, 'AWS::IAM::Policy', name).PolicyDocument.Statement;

  test('of tasks have the permissions of the functions except for logs and traces', () => {
    const ofFunction = statementsOf(template, 'IngestFunctionRole').filter(
      ({ Action }: { readonly Action: unknown }) => !/"(?:logs|xray):/.test(JSON.stringify([Action].flat())),
    );
    expect(ofFunction.length).toBeGreaterThan(5);
    expect(statementsOf(template, 'ContainersIngestTaskRole')).toEqual(ofFunction);
  });

  test('of workers have exactly these permissions', () => {
    const actions = statementsOf(template, 'ContainersResizeTaskRole').flatMap(
      ({ Action }: { readonly Action: string | readonly string[] }) => Action,
    );
    expect(actions.sort()).toEqual([
      'dynamodb:GetItem',
      'dynamodb:UpdateItem',
      's3:GetObject',
      's3:ListBucket',
      's3:PutObject',
      'sns:Publish',
      'sqs:ChangeMessageVisibility',
      'sqs:DeleteMessage',
      'sqs:ReceiveMessage',
      'sqs:SendMessage',
    ]);
  });

  test.each(serviceNames)('that start a task of %s may only fetch its image and write its log', (name) => {
    const logGroup = only(template, 'AWS::Logs::LogGroup', `${name}FunctionLogs`);
    expect(statementsOf(template, `Containers${name}TaskExecutionRole`)).toEqual([
      {
        Effect: 'Allow',
        Action: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
        Resource: { 'Fn::Join': ['', expect.arrayContaining([':repository/'])] },
      },
      { Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' },
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: attribute('Arn', logGroup),
      },
    ]);
  });

  test('can be assumed by tasks of this account, and the URL signer by the function and the tasks of ingest', () => {
    const trustOf = (name: string) =>
      only(template, 'AWS::IAM::Role', name).AssumeRolePolicyDocument.Statement;
    for (const name of serviceNames) {
      expect(trustOf(`Containers${name}TaskRole`)).toEqual([
        {
          Effect: 'Allow',
          Action: 'sts:AssumeRole',
          Principal: { Service: 'ecs-tasks.amazonaws.com' },
          Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
        },
      ]);
    }
    const takenOnBy = trustOf('IngestUrlSigner').flatMap(
      ({ Principal }: { readonly Principal: { readonly AWS: unknown } }) => Principal.AWS,
    );
    expect(takenOnBy).toEqual([
      attribute('Arn', only(template, 'AWS::IAM::Role', 'ContainersIngestTaskRole')),
      attribute('Arn', only(template, 'AWS::IAM::Role', 'IngestFunctionRole')),
    ]);
  });

  test('have no managed policy', () => {
    for (const { ManagedPolicyArns } of resourcesOf(template, 'AWS::IAM::Role'))
      expect(ManagedPolicyArns).toBeUndefined();
  });
});
