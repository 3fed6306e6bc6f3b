import { quarteredPicture, slowTiff } from '../images.ts';
import { type AwsClients, awsClients } from './aws-clients.ts';
import { freePort, type LocalRun, startLocal, until } from './local-run.ts';
import { cleanUp, temporaryFolder } from './processes.ts';
import { upload, uploadAndWait } from './uploads.ts';

jest.setTimeout(120_000);

let local: LocalRun;
let aws: AwsClients;

beforeAll(async () => {
  local = startLocal({ folder: await temporaryFolder(), port: await freePort() });
  await local.ready();
  aws = awsClients(local);
});

afterAll(cleanUp);

test('ordinary images overtake slow ones, which become ready as well', async () => {
  // GIVEN images that take seconds each
  const url = `http://127.0.0.1:${local.port}/dev/upload_image`;
  const slow: string[] = [];
  for (const tag of ['one', 'two', 'three']) slow.push((await upload(url, Buffer.from(slowTiff(tag)))).id);
  const statuses = async () =>
    Promise.all(slow.map(async (id) => (await aws.catalog.find(id))?.status ?? 'unknown'));
  // WHEN
  for (const width of [50, 60, 70, 80]) {
    await uploadAndWait(url, Buffer.from(await quarteredPicture(width, 40).png().toBuffer()));
  }
  // THEN
  expect((await statuses()).filter((status) => status === 'received').length).toBeGreaterThanOrEqual(2);
  await until(
    'the slow ones',
    async () => (await statuses()).every((one) => one === 'ready') || undefined,
    90_000,
  );
});
