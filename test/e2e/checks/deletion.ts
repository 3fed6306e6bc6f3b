import { catalogTable } from '../../../lambdas/aws/catalog-table.ts';
import { type ImageEvent, imageEventSchema } from '../../../lambdas/image/event.ts';
import { eventually, expectProblem, replyOf, settled, uploadAndWait } from '../api.ts';
import { check } from '../deployment.ts';
import { smallPhoto } from '../photo.ts';

/** `npm run delete`, and the worker that deletes. */
export const checkDeletion = (): void => {
  check('removes all that is stored of an image, until it is uploaded again', async (deployment) => {
    const { account, cdk, main } = deployment;
    const { api, outputs } = main;
    const photo = await smallPhoto(90);
    // Whose request is stored too.
    const { id } = await replyOf(await api.upload(photo, { 'X-Notify-Email': 'deleted@example.com' }), 202);
    await settled(api, id);
    const storedKeys = async () => [
      ...(await account.keysUnder(outputs.RawBucketName, `raw/${id}`)),
      ...(await account.keysUnder(outputs.ThumbnailBucketName, `thumbnails/${id}/`)),
    ];
    expect(await storedKeys()).toHaveLength(3);

    await account.listenTo(outputs.ImageEventsTopicArn, async (heard) => {
      expect(await cdk.delete('--stack', 'ThumbnailGenerator', id)).toContain(`${id} deleted\n`);
      const deleted = (body: string): readonly ImageEvent[] => {
        const event = imageEventSchema.parse(JSON.parse(body));
        return event.type === 'image.deleted' ? [event] : [];
      };
      const events = await eventually(
        async () => (await heard()).flatMap(deleted),
        ({ length }) => length > 0,
      );
      expect(events.map(({ imageId }) => imageId)).toEqual([id]);
    });

    expect(await storedKeys()).toEqual([]);
    expect(await account.item(outputs.CatalogTableName, id)).toEqual({
      id,
      createdAt: expect.any(String),
      changedAt: expect.any(String),
      [catalogTable.deletion]: 'deleted',
      isPublished: true,
      [catalogTable.timeToLive]: expect.any(Number),
    });
    await expectProblem(await api.get(`/thumbnails/${id}`), { status: 410, code: 'image-deleted' });
    await expectProblem(await api.get(`/images/${id}`), { status: 404, code: 'not-found' });

    expect(await uploadAndWait(api, photo)).toMatchObject({ id, status: 'ready' });
    expect((await api.get(`/thumbnails/${id}`)).status).toBe(302);
  });
};
