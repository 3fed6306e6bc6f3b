import { catalogTable } from '../../../lambdas/aws/catalog-table.ts';
import { replyOf, settled, uploadAndWait } from '../api.ts';
import { check } from '../deployment.ts';
import { smallPhoto } from '../photo.ts';

/** The item of an image that was recorded a day ago and not changed since. */
const forgottenItem = (id: string) => {
  const yesterday = new Date(Date.now() - 86_400_000).toISOString();
  const { waitingIndex } = catalogTable;
  return {
    [catalogTable.partitionKey]: id,
    status: 'received',
    createdAt: yesterday,
    changedAt: yesterday,
    original: { bytes: 1000 },
    [waitingIndex.partitionKey]: id.slice(0, 1),
    [waitingIndex.sortKey]: yesterday,
  };
};

/** The function that finds images whose event was lost. */
export const checkReconciler = (): void => {
  check('finds lost images, and settles them unless it is a dry run', async (deployment) => {
    const { account, emulator, main } = deployment;
    const { api, outputs } = main;
    const table = outputs.CatalogTableName;
    const reconcile = (event: object) => emulator.invoke(outputs.ReconcilerFunctionName, event);

    // One has an original but no recorded thumbnail; the other one was only announced.
    const { id: lost } = await uploadAndWait(api, await smallPhoto(62));
    const neverCame = 'f'.repeat(64);
    await replyOf(await api.announce({ sha256: neverCame, bytes: 1000 }), 201);
    const items = [forgottenItem(lost), forgottenItem(neverCame)];
    for (const item of items) await account.putItem(table, item);
    const requests = await main.logLines('ResizeFunction', lost);

    const nothing = {
      backlog: 0,
      slowBacklog: 0,
      requeued: [],
      expired: [],
      deletions: [],
      outlived: [],
    };
    const found = { ...nothing, requeued: [lost], expired: [neverCame] };
    expect(await reconcile({ dryRun: true })).toEqual({ dryRun: true, ...found });
    expect(await Promise.all([lost, neverCame].map((id) => account.item(table, id)))).toEqual(items);
    expect(await main.logLines('ResizeFunction', lost)).toEqual(requests);

    expect(await reconcile({})).toEqual({ dryRun: false, ...found });
    expect(await settled(api, lost)).toMatchObject({
      status: 'ready',
      thumbnails: { thumbnail: { width: 240, height: 320 } },
    });
    expect(await main.logLines('ResizeFunction', lost)).toHaveLength(requests.length + 1);
    const { [catalogTable.timeToLive]: expiresAtSeconds } = (await account.item(table, neverCame)) ?? {};
    expect(Number(expiresAtSeconds) - Date.now() / 1000).toBeGreaterThan(86_000);
    expect(Number(expiresAtSeconds) - Date.now() / 1000).toBeLessThanOrEqual(86_400);

    expect(await reconcile({ dryRun: true })).toEqual({ dryRun: true, ...nothing });
  });
};
