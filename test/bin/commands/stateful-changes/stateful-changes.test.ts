import {
  describeChange,
  statefulChanges,
} from '../../../../bin/commands/stateful-changes/stateful-changes.ts';

interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

const retained = { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' } as const;
const bucket: Resource = { Type: 'AWS::S3::Bucket', ...retained, Properties: {} };
const queue: Resource = { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: 30 } };
const table: Resource = {
  Type: 'AWS::DynamoDB::Table',
  ...retained,
  Properties: {
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  },
};
const current = { Images: bucket, Catalog: table, Work: queue };

const changesTo = (next: Readonly<Record<string, Resource>>) =>
  statefulChanges({ Resources: current }, { Resources: next });

test('finds nothing in an unchanged template, in new resources and in updates in place', () => {
  expect(changesTo(current)).toEqual([]);
  expect(changesTo({ ...current, More: bucket, Function: { Type: 'AWS::Lambda::Function' } })).toEqual([]);
  expect(changesTo({ ...current, Work: { ...queue, Properties: { VisibilityTimeout: 60 } } })).toEqual([]);
});

test('finds a bucket, a table and a queue that are replaced, with the property', () => {
  const key = [{ AttributeName: 'key', KeyType: 'HASH' }];
  expect(
    changesTo({
      Images: { ...bucket, Properties: { BucketName: 'images' } },
      Catalog: { ...table, Properties: { ...table.Properties, KeySchema: key } },
      Work: { ...queue, Properties: { ...queue.Properties, FifoQueue: true } },
    }),
  ).toEqual([
    { logicalId: 'Catalog', type: 'AWS::DynamoDB::Table', impact: 'replaced', properties: ['KeySchema'] },
    { logicalId: 'Images', type: 'AWS::S3::Bucket', impact: 'replaced', properties: ['BucketName'] },
    { logicalId: 'Work', type: 'AWS::SQS::Queue', impact: 'replaced', properties: ['FifoQueue'] },
  ]);
});

test('finds what is removed: deleted, or left behind where it is retained', () => {
  expect(changesTo({})).toEqual([
    { logicalId: 'Catalog', type: 'AWS::DynamoDB::Table', impact: 'left behind', properties: [] },
    { logicalId: 'Images', type: 'AWS::S3::Bucket', impact: 'left behind', properties: [] },
    { logicalId: 'Work', type: 'AWS::SQS::Queue', impact: 'deleted', properties: [] },
  ]);
});

test('finds a resource that got another logical id, which is a new resource without the data', () => {
  const { Images, ...others } = current;
  expect(changesTo({ ...others, Originals: Images })).toEqual([
    { logicalId: 'Images', type: 'AWS::S3::Bucket', impact: 'left behind', properties: [] },
  ]);
});

test('finds a resource that becomes one of another type', () => {
  expect(changesTo({ ...current, Work: { Type: 'AWS::SNS::Topic' } })).toMatchObject([
    { logicalId: 'Work', type: 'AWS::SQS::Queue', impact: 'replaced' },
  ]);
});

test('passes over what holds no data', () => {
  const role: Resource = { Type: 'AWS::IAM::Role', Properties: { RoleName: 'one' } };
  const before = { Resources: { ...current, Role: role } };
  const renamed = { ...role, Properties: { RoleName: 'two' } };
  expect(statefulChanges(before, { Resources: { ...current, Role: renamed } })).toEqual([]);
  expect(statefulChanges(before, { Resources: current })).toEqual([]);
});

test('describes a change in a line', () => {
  const change = { logicalId: 'Work', type: 'AWS::SQS::Queue', impact: 'replaced' } as const;
  expect(describeChange('Trial', { ...change, properties: ['FifoQueue'] })).toBe(
    'Trial: Work, AWS::SQS::Queue: replaced (FifoQueue)',
  );
  expect(describeChange('Trial', { ...change, impact: 'deleted', properties: [] })).toBe(
    'Trial: Work, AWS::SQS::Queue: deleted',
  );
});
