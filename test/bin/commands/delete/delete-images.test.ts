import { deleteImages } from '../../../../bin/commands/delete/delete-images.ts';
import { type Catalog, createCatalog } from '../../../../lambdas/aws/catalog.ts';
import { startCatalogServer } from '../../../catalog-server.ts';

let server: Awaited<ReturnType<typeof startCatalogServer>>;
let catalog: Catalog;

beforeAll(async () => {
  server = await startCatalogServer();
  catalog = createCatalog(server.tableName, server.client);
});
afterAll(() => server.stop());

const send = jest.fn();

const deleted = (ids: readonly string[], ofAllOwners: boolean) =>
  deleteImages({
    catalog,
    deletionRequests: { send },
    ids,
    ofAllOwners,
    isDryRun: false,
    waitSeconds: 1,
    stopping: new AbortController().signal,
    onProgress: () => {},
  });

test('images of one owner stay that someone else has uploaded since they were taken from the owner', async () => {
  const id = 'a'.repeat(64);
  await catalog.receive(id, { bytes: 9 }, new Date(), 1);
  expect(await deleted([id], false)).toEqual([{ id, result: 'kept' }]);
  expect(await catalog.find(id)).toMatchObject({ status: 'received' });
  expect(send).not.toHaveBeenCalled();

  // Named by its id, it is deleted whoever owns it. No worker runs here.
  expect(await deleted([id], true)).toEqual([{ id, result: 'unfinished' }]);
  expect(await catalog.state(id)).toMatchObject({ status: 'deleting' });

  // A deletion that has begun is waited for.
  expect(await deleted([id], false)).toEqual([{ id, result: 'unfinished' }]);
});
