import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { createS3Client } from '../../lambdas/aws/clients.ts';
import { imageIdOf } from '../../lambdas/image/id.ts';
import { ownerOfSubject } from '../../lambdas/owners/owner.ts';
import { resources } from '../../local/aws.ts';
import { endpointOf } from '../../local/ports.ts';
import { quarteredPicture } from '../images.ts';
import { startIssuer } from '../issuer.ts';
import { replySchema } from '../reply.ts';
import { type AwsClients, accountOf, awsClients } from './aws-clients.ts';
import { freePort, type LocalRun, startLocal, until } from './local-run.ts';
import { mailsTo } from './mails.ts';
import { cleanUp, startNode, temporaryFolder } from './processes.ts';
import { post } from './uploads.ts';

jest.setTimeout(180_000);

const address = 'ada.lovelace@example.com';

let local: LocalRun;
let aws: AwsClients;

const start = async (args: readonly string[] = []): Promise<void> => {
  local = startLocal({ folder: await temporaryFolder(), port: await freePort(), args });
  await local.ready();
  aws = awsClients(local);
};
afterEach(cleanUp);

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

const runDelete = async (...args: readonly string[]): Promise<void> => {
  const environment = { PORT: String(local.port) };
  const command = startNode('bin/delete.ts', { args, folder: local.folder, environment });
  expect(await command.ended).toBe(0);
};

/** What docs/privacy.md says that stays of a deleted image. */
const documentedPlaces = (): readonly string[] => {
  const [, table = ''] =
    /What stays, and until when:\n\n([^#]*?)\n\n/.exec(readFileSync('docs/privacy.md', 'utf8')) ?? [];
  return [...table.matchAll(/^\| ([a-z ]+) \|/gm)].map(([, place = '']) => place);
};

test('a deletion leaves of an image and its recipient only what docs/privacy.md names', async () => {
  // GIVEN an image of which a mail was sent, and the lake has the events
  await start();
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
  await runDelete(id);

  // THEN
  expect(await placesOf(address)).toEqual([]);
  expect(await placesOf('ada.lovelace')).toEqual([]);
  expect(await placesOf(id)).toEqual([resources.catalogTable, resources.dataLakeBucket, 'log'].sort());
  const left = Object.keys((await aws.catalog.state(id)) ?? {}).sort();
  expect(left).toEqual(['changedAt', 'createdAt', 'id', 'isPublished', 'status']);
  expect(documentedPlaces()).toEqual(expect.arrayContaining(['catalog', 'data lake', 'logs']));
});

test('"everything of this person" leaves of them only what docs/privacy.md names, and others their images', async () => {
  const issuer = await startIssuer();
  try {
    // GIVEN images of a person that were posted, sent through S3, shared with another one, and only announced
    const auth = { jwt: { issuer: issuer.issuer, audience: ['thumbnails'] } };
    await start(['-c', `auth=${JSON.stringify(auth)}`]);
    const api = `http://127.0.0.1:${local.port}/dev`;
    const person = { sub: 'ada-4711', name: 'Ada Lovelace', email: address };
    const ada = { Authorization: `Bearer ${await issuer.token(person)}` };
    const ben = { Authorization: `Bearer ${await issuer.token({ sub: 'ben' })}` };
    const picture = async (width: number) =>
      Buffer.from(await quarteredPicture(width, 100).jpeg().toBuffer());
    const [posted, sent, shared, announced] = await Promise.all([301, 302, 303, 304].map(picture));
    if (!posted || !sent || !shared || !announced) throw new Error('There is no picture.');
    const [postedId, sentId, sharedId, announcedId] = [posted, sent, shared, announced].map(imageIdOf);
    if (!postedId || !sentId || !sharedId || !announcedId) throw new Error('There is no id.');
    const announce = async (image: Buffer, headers: Readonly<Record<string, string>>) => {
      const body = JSON.stringify({ sha256: imageIdOf(image), bytes: image.byteLength });
      const { upload } = replySchema.parse(await (await post(`${api}/uploads`, body, headers)).json());
      if (upload === undefined) throw new Error('There is no upload.');
      return upload;
    };
    await post(local.uploadUrl, posted, { ...ada, 'X-Notify-Email': address });
    await post(local.uploadUrl, shared, ada);
    await post(local.uploadUrl, shared, ben);
    await announce(announced, ada);
    const { url, headers } = await announce(sent, { ...ada, 'X-Notify-Email': address });
    expect((await fetch(url, { method: 'PUT', body: new Uint8Array(sent), headers })).status).toBe(200);
    const owner = ownerOfSubject(issuer.issuer, person.sub);
    await until('both mails', async () => (await mailsTo(local.ports, address))[1]);
    for (const id of [postedId, sentId, sharedId]) {
      await until('the lake', async () =>
        (await placesOf(id)).includes(resources.dataLakeBucket) ? true : undefined,
      );
    }
    expect(await placesOf(owner)).toEqual([resources.ownersTable]);

    // WHEN
    await runDelete('--issuer', issuer.issuer, '--subject', person.sub);

    // THEN nothing names the person
    for (const text of [owner, person.sub, address, 'ada.lovelace', person.name]) {
      expect({ text, places: await placesOf(text) }).toEqual({ text, places: [] });
    }
    const left = [resources.catalogTable, resources.dataLakeBucket, 'log'];
    expect(await placesOf(postedId)).toEqual([...left].sort());
    expect(await placesOf(sentId)).toEqual([...left, resources.rawBucket].sort());
    const keys = (await everything())[resources.rawBucket]?.split('\n');
    expect(keys?.filter((line) => line.includes(sentId))).toEqual([
      expect.stringMatching(/^arrivals\/[0-9a-f]{64}\/[0-9a-f-]{36} $/),
    ]);
    expect((await placesOf(announcedId)).filter((place) => place !== 'log')).toEqual([]);
    expect(documentedPlaces()).toEqual(
      expect.arrayContaining(['catalog', 'data lake', 'logs', 'raw bucket']),
    );
    // THEN the other owner keeps the shared image
    expect((await fetch(`${api}/images/${sharedId}`, { headers: ben })).status).toBe(200);
    expect((await fetch(`${api}/images/${sharedId}`, { headers: ada })).status).toBe(404);
  } finally {
    issuer.stop();
  }
});
