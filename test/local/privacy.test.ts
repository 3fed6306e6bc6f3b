import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { createS3Client } from '../../lambdas/aws/clients.ts';
import { imageIdOf } from '../../lambdas/image/id.ts';
import { resources } from '../../local/aws.ts';
import { endpointOf } from '../../local/ports.ts';
import { quarteredPicture } from '../images.ts';
import { type AwsClients, accountOf, awsClients } from './aws-clients.ts';
import { freePort, type LocalRun, startLocal, until } from './local-run.ts';
import { mailsTo } from './mails.ts';
import { cleanUp, startNode, temporaryFolder } from './processes.ts';
import { post } from './uploads.ts';

jest.setTimeout(180_000);

const address = 'ada.lovelace@example.com';

let local: LocalRun;
let aws: AwsClients;

beforeAll(async () => {
  local = startLocal({ folder: await temporaryFolder(), port: await freePort() });
  await local.ready();
  aws = awsClients(local);
});
afterAll(cleanUp);

/** All places that keep something, with everything that they keep now, as text. */
const everything = async (): Promise<Readonly<Record<string, string>>> => {
  const { TableNames = [] } = await aws.dynamodb.send(new ListTablesCommand({}));
  const tables = await Promise.all(
    TableNames.map(async (TableName) => {
      const { Items = [] } = await aws.dynamodb.send(new ScanCommand({ TableName }));
      return [TableName, Items.map((item) => JSON.stringify(unmarshall(item))).join('\n')] as const;
    }),
  );
  const s3 = createS3Client({
    ...accountOf(local),
    endpoint: endpointOf(local.ports.s3),
    forcePathStyle: true,
  });
  const buckets = await Promise.all(
    [resources.rawBucket, resources.thumbnailBucket, resources.dataLakeBucket].map(async (Bucket) => {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
      const objects = await Promise.all(
        Contents.map(async ({ Key = '' }) => {
          const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
          const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
          const isZipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
          return `${Key} ${(isZipped ? gunzipSync(bytes) : bytes).toString('latin1')}`;
        }),
      );
      return [Bucket, objects.join('\n')] as const;
    }),
  );
  return Object.fromEntries([
    ...tables,
    ...buckets,
    [
      'log',
      local
        .logs()
        .map((line) => JSON.stringify(line))
        .join('\n'),
    ],
  ]);
};

const placesOf = async (text: string): Promise<readonly string[]> =>
  Object.entries(await everything())
    .filter(([, kept]) => kept.includes(text))
    .map(([place]) => place)
    .sort();

/** What docs/privacy.md says that stays of a deleted image. */
const documentedPlaces = (): readonly string[] => {
  const [, table = ''] =
    /What stays, and until when:\n\n([^#]*?)\n\n/.exec(readFileSync('docs/privacy.md', 'utf8')) ?? [];
  return [...table.matchAll(/^\| ([a-z ]+) \|/gm)].map(([, place = '']) => place);
};

test('a deletion leaves of an image and its recipient only what docs/privacy.md names', async () => {
  // GIVEN an image of which a mail was sent, and the lake has the events
  const image = Buffer.from(await quarteredPicture(321, 234).jpeg().toBuffer());
  const id = imageIdOf(image);
  await post(local.uploadUrl, image, { 'X-Notify-Email': address });
  await until('the mail', async () => (await mailsTo(local.ports, address))[0]);
  await until('the lake', async () =>
    (await placesOf(id)).includes(resources.dataLakeBucket) ? true : undefined,
  );
  expect(await placesOf(id)).toEqual(
    expect.arrayContaining([resources.catalogTable, resources.rawBucket, resources.thumbnailBucket, 'log']),
  );

  // WHEN
  const command = startNode('bin/delete.ts', {
    args: [id],
    folder: local.folder,
    environment: { PORT: String(local.port) },
  });
  expect(await command.ended).toBe(0);

  // THEN
  expect(await placesOf(address)).toEqual([]);
  expect(await placesOf('ada.lovelace')).toEqual([]);
  expect(await placesOf(id)).toEqual([resources.catalogTable, resources.dataLakeBucket, 'log'].sort());
  const left = Object.keys((await aws.catalog.state(id)) ?? {}).sort();
  expect(left).toEqual(['changedAt', 'createdAt', 'id', 'isPublished', 'status']);
  expect(documentedPlaces()).toEqual(expect.arrayContaining(['catalog', 'data lake', 'logs']));
});
