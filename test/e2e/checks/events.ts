import { type ImageEvent, imageEventSchema } from '../../../lambdas/image/event.ts';
import { corruptJpeg } from '../../images.ts';
import { eventually, replyOf, settled, uploadAndWait } from '../api.ts';
import { check } from '../deployment.ts';
import { smallPhoto } from '../photo.ts';

/** Events of the topic `image-events`, in a queue that is subscribed to it. */
export const checkEvents = (): void => {
  check('of every kind reach a queue that is subscribed to the topic', async ({ account, main }) => {
    await account.listenTo(main.outputs.ImageEventsTopicArn, async (heard) => {
      const photo = await smallPhoto(50);
      const { id } = await uploadAndWait(main.api, photo);
      await main.api.upload(photo);
      await main.api.get(`/thumbnails/${id}/square`);
      const broken = Buffer.concat([corruptJpeg(), Buffer.from('of the events')]);
      const { id: brokenId } = await replyOf(await main.api.upload(broken), 202);
      await settled(main.api, brokenId);

      const isMissing = (events: readonly ImageEvent[]) =>
        new Set(events.map(({ type, imageId }) => `${type} ${imageId}`)).size < 6;
      const events = await eventually(
        async () => (await heard()).map((body) => imageEventSchema.parse(JSON.parse(body))),
        (all) => !isMissing(all),
      );
      const original = { contentType: 'image/jpeg', width: 480, height: 640, bytes: photo.length };
      const facts = (imageId: string) =>
        Object.fromEntries(
          events.flatMap(({ schemaVersion: _, eventId: __, time: ___, imageId: about, ...fact }) =>
            about === imageId ? [[fact.type, fact]] : [],
          ),
        );
      expect(facts(id)).toMatchObject({
        'image.received': { original: { bytes: photo.length } },
        'image.ready': {
          original,
          thumbnails: [
            { variant: 'square', contentType: 'image/jpeg', width: 96, height: 96 },
            { variant: 'thumbnail', contentType: 'image/webp', width: 240, height: 320 },
          ],
          uploadToReadyMilliseconds: expect.any(Number),
        },
        'image.duplicate': { status: 'ready', original },
        'link.served': { variant: 'square' },
      });
      expect(Object.keys(facts(brokenId)).sort()).toEqual(['image.failed', 'image.received']);
      expect(facts(brokenId)).toMatchObject({ 'image.failed': { code: 'image-corrupt' } });
    });
  });
};
