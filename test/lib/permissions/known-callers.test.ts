import { createCatalog } from '../../../lambdas/aws/catalog.ts';
import { deleteEnvironment } from '../../../lambdas/delete/environment.ts';
import { wireDelete } from '../../../lambdas/delete/wiring.ts';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { arrivalKey } from '../../../lambdas/image/keys.ts';
import { ingestEnvironment } from '../../../lambdas/ingest/environment.ts';
import { wireIngest } from '../../../lambdas/ingest/wiring.ts';
import { createMailRequests } from '../../../lambdas/notify/mail-requests.ts';
import { createOwnerships } from '../../../lambdas/owners/ownerships.ts';
import { readEnvironment } from '../../../lambdas/runtime/environment.ts';
import { createLog } from '../../../lambdas/runtime/log.ts';
import { startCatalogServer } from '../../catalog-server.ts';
import { quarteredPicture } from '../../images.ts';
import { templateWith } from '../stacks.ts';
import { covers, deployedFunction, type Grant, grantsOf, region } from './policies.ts';
import { type Call, recordAws } from './recorded-aws.ts';

/** What the roles may do because callers are known, and what their code does then. */

const mockPresigned = jest.fn();
jest.mock('@aws-sdk/s3-request-presigner', () => {
  const { getSignedUrl } = jest.requireActual('@aws-sdk/s3-request-presigner');
  return {
    getSignedUrl: async (...args: readonly unknown[]) => {
      await mockPresigned(...args);
      return getSignedUrl(...args);
    },
  };
});

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let calls: readonly Call[];
let grants: readonly Grant[];
const roles = /^(?:IngestFunctionRole|IngestUrlSigner|DeletionFunctionRole|Resize(?:Slow)?FunctionRole)$/;

beforeAll(async () => {
  server = await startCatalogServer();
  const aws = recordAws();
  mockPresigned.mockImplementation(aws.recordPresigned);
  const email = { from: 'thumbnails@example.com', allowedRecipients: ['example.com'] };
  const template = templateWith({ auth: 'iam', email });
  Object.assign(process.env, {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: server.endpoint,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_METRICS_DISABLED: 'true',
  });
  const log = createLog('test');

  const ingest = deployedFunction(template, 'IngestFunction');
  aws.actAs({ function: ingest.role, assumed: 'IngestUrlSigner' });
  const app = wireIngest(readEnvironment(ingestEnvironment, ingest.environment), log, {
    withBody: async (request, _, use) => use(new Uint8Array(await request.arrayBuffer())),
    authenticate: async ({ headers }) => ({ kind: 'known', owner: headers.get('X-Owner') ?? '' }),
  });
  const send = async (
    owner: string,
    method: string,
    path: string,
    body?: NonNullable<RequestInit['body']>,
  ): Promise<void> => {
    const response = await app.request(path, { method, body, headers: { 'X-Owner': owner } });
    expect({ method, path, status: response.status }).toMatchObject({ status: expect.any(Number) });
    expect(response.status).toBeLessThan(300);
  };
  const picture = new Uint8Array(await quarteredPicture(31, 31).png().toBuffer());
  const id = imageIdOf(picture);
  for (const owner of ['ann', 'ben']) await send(owner, 'POST', '/upload_image', picture);
  const other = 'b'.repeat(64);
  await send('ann', 'POST', '/uploads', JSON.stringify({ sha256: other, bytes: 50_000_000 }));
  await send('ann', 'GET', '/images');
  for (const owner of ['ann', 'ben']) await send(owner, 'DELETE', `/images/${id}`);

  const deletion = deployedFunction(template, 'DeletionFunction');
  const environment = readEnvironment(deleteEnvironment, deletion.environment);
  const handle = wireDelete(environment, log);
  const first = { id: other, uploadId: 'first' };
  aws.putObject(environment.rawBucket, arrivalKey(first), picture, { owner: 'ann' });
  const second = { id: 'c'.repeat(64), uploadId: 'second' };
  aws.putObject(environment.rawBucket, arrivalKey(second), picture, { owner: 'ben' });
  aws.putObject(environment.rawBucket, `raw/${second.id}`, picture);
  aws.actAs({ function: 'the test' });
  const ownerships = createOwnerships(server.ownersTableName, server.client);
  await ownerships.announce(second.id, 'ben', new Date(Date.now() + 60_000), undefined);
  await createMailRequests(server.mailRequestsTableName, server.client).add(other, 'me@example.com', {
    uploadId: 'first',
    expiresAt: new Date(Date.now() + 60_000),
  });
  aws.actAs({ function: deletion.role });
  const eventOf = (key: string): string =>
    JSON.stringify({ Records: [{ eventName: 'ObjectCreated:Put', s3: { object: { key } } }] });
  for (const arrival of [first, second]) await handle(eventOf(arrivalKey(arrival)));
  aws.actAs({ function: 'the test' });
  // Owned, released and not yet deleted: as a process leaves it that dies in between.
  const owned = await ownerships.find(other, 'ann');
  if (owned === undefined || !(await ownerships.release(owned))) throw new Error('not released');
  // Owned, and deleted by the operator all the same.
  const deleted = 'd'.repeat(64);
  const catalog = createCatalog(server.tableName, server.client);
  await ownerships.claim(deleted, 'ann');
  const record = await catalog.receive(deleted, { bytes: 9 }, new Date(), 1);
  await ownerships.settle(deleted, 'ann');
  if (record) await catalog.startDeletion(record);
  aws.actAs({ function: deletion.role });
  for (const imageId of [id, other, deleted]) await handle(JSON.stringify({ imageId }));
  expect(await catalog.find(other)).toBeUndefined();
  calls = aws.calls.filter(({ role }) => roles.test(role));
  grants = grantsOf(template).filter(({ role }) => roles.test(role));
});

afterAll(() => server.stop());

const isAllowed = ({ role, action, resource }: Call): boolean =>
  grants.some(
    (grant) =>
      grant.role === role &&
      grant.action === action &&
      grant.resources.some((each) => covers(each, resource)),
  );

test('the code is allowed everything that it does', () => {
  expect(calls.length).toBeGreaterThan(50);
  expect(calls.filter((call) => !isAllowed(call))).toEqual([]);
});

test('every grant for owners and arrivals is needed', () => {
  const about = /table\/owners|\/arrivals\//;
  const unused = grants
    .flatMap(({ resources, ...grant }) => resources.map((resource) => ({ ...grant, resource })))
    .filter(({ resource }) => about.test(resource))
    .filter(
      ({ role, action, resource }) =>
        !calls.some(
          (call) => call.role === role && call.action === action && covers(resource, call.resource),
        ),
    );
  expect(unused).toEqual([]);
  expect(grants.filter(({ resources }) => resources.some((each) => about.test(each))).length).toBeGreaterThan(
    8,
  );
});

test('resize gets no grant for owners or arrivals, and only the URLs of arrivals are signed', () => {
  for (const { role, action, resources } of grants) {
    for (const resource of resources) {
      if (role.startsWith('Resize')) expect(resource).not.toMatch(/owners|arrivals/);
      if (role === 'IngestUrlSigner' && action === 's3:PutObject')
        expect(resource).toMatch(/\/arrivals\/\*$/);
    }
  }
});
