import { readFileSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AdoptionStack } from '../../lib/adoption-stack.ts';
import { DataLakeStack } from '../../lib/lake/data-lake-stack.ts';
import { LakeAdoptionStack } from '../../lib/lake/lake-adoption-stack.ts';
import { appWith } from './stacks.ts';

interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly Properties?: object;
}
type Resources = Readonly<Record<string, Resource>>;

const resourcesOf = (template: Template): Resources => template.toJSON()['Resources'];

/** What has data and outlives its stack. */
const keptIn = (resources: Resources): Resources =>
  Object.fromEntries(
    Object.entries(resources).filter(
      ([, { Type, DeletionPolicy }]) =>
        ['AWS::S3::Bucket', 'AWS::DynamoDB::Table'].includes(Type) && DeletionPolicy !== 'Delete',
    ),
  );

let deployed: Resources;
let deployedLake: Resources;
let adopted: Resources;
let adoptedLake: Resources;

beforeAll(() => {
  // Callers that are known may have more that is kept.
  const { app, settings, stack } = appWith({ auth: 'iam' });
  const { imageEvents, alerts } = stack;
  const lake = new DataLakeStack(app, 'Lake', { settings, imageEvents, alerts });
  deployed = resourcesOf(Template.fromStack(stack));
  deployedLake = resourcesOf(Template.fromStack(lake));
  const adopting = new App({ context: app.node.getAllContext() });
  const service = new AdoptionStack(adopting, settings.stackName, { settings });
  const lakeBucket = new LakeAdoptionStack(adopting, 'Lake');
  adopted = resourcesOf(Template.fromStack(service));
  adoptedLake = resourcesOf(Template.fromStack(lakeBucket));
});

test('imports everything that an earlier stack has kept, under the same logical ids', () => {
  const idsAndTypes = (resources: Resources) =>
    Object.entries(resources)
      .map(([logicalId, { Type }]) => `${logicalId} ${Type}`)
      .sort();
  expect(idsAndTypes(adopted)).toEqual(idsAndTypes(keptIn(deployed)));
  expect(idsAndTypes(adoptedLake)).toEqual(idsAndTypes(keptIn(deployedLake)));
  expect([adopted, adoptedLake].map((each) => Object.keys(each).length)).toEqual([4, 1]);
});

test('keeps everything if the import is undone', () => {
  for (const { DeletionPolicy } of Object.values({ ...adopted, ...adoptedLake })) {
    expect(DeletionPolicy).toBe('Retain');
  }
});

test('leaves each property of a bucket to the next deployment', () => {
  for (const [logicalId, { Type, Properties }] of Object.entries({ ...adopted, ...adoptedLake })) {
    if (Type === 'AWS::S3::Bucket') expect([logicalId, Properties]).toEqual([logicalId, undefined]);
  }
  const [rawBucket] = Object.entries(deployed).filter(([logicalId]) => logicalId.startsWith('RawBucket'));
  expect(Object.keys(rawBucket?.[1].Properties ?? {})).toEqual(
    expect.arrayContaining(['NotificationConfiguration', 'BucketEncryption', 'LifecycleConfiguration']),
  );
});

test('imports the catalog with the index and the expiry that it has', () => {
  const catalog = (resources: Resources) =>
    Object.values(resources).find(
      ({ Type, DeletionPolicy }) => Type.endsWith('Table') && DeletionPolicy !== 'Delete',
    )?.Properties;
  expect(catalog(adopted)).toEqual(catalog(deployed));
  expect(catalog(adopted)).toHaveProperty('GlobalSecondaryIndexes');
});

test('the documentation names each of them, for a script', () => {
  const text = readFileSync('docs/adopting.md', 'utf8');
  for (const logicalId of Object.keys(adopted)) expect(text).toContain(`"${logicalId}": {`);
});
