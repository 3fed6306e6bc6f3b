import sharp from 'sharp';
import { eventually, replyOf, settled, shownAt, shownReplyOf, uploadAndWait } from '../api.ts';
import { check, mainVariants } from '../deployment.ts';
import { smallPhoto } from '../photo.ts';

/** Images whose thumbnails were made with earlier settings. */
export const checkChangedSettings = (): void => {
  check(
    'makes the thumbnails of changed settings, and only those, when an image is requested again',
    async (deployment) => {
      const { account, cdk, main, photo } = deployment;
      const { api, outputs, settings } = main;
      const visited = await uploadAndWait(api, photo);
      const uploadedAgain = await smallPhoto(60);
      const before = await uploadAndWait(api, uploadedAgain);
      const squareOf = (id: string) =>
        account.object(
          outputs.ThumbnailBucketName,
          new URL(visited.thumbnails['square']?.url ?? '').pathname
            .replace(`/${outputs.ThumbnailBucketName}/`, '')
            .replace(visited.id, id),
        );
      const squares = await Promise.all([visited.id, before.id].map(squareOf));
      expect(squares).not.toContain(undefined);

      const [thumbnail, ...others] = mainVariants;
      const variants = JSON.stringify([{ ...thumbnail, width: 100 }, ...others]);
      expect(await cdk.deploy({ ...settings, variants })).toEqual(outputs);

      // By its link.
      const path = `/thumbnails/${visited.id}`;
      const first = await api.get(path);
      expect(first.headers.get('Retry-After')).toBe('1');
      expect(await replyOf(first, 202)).toMatchObject({ id: visited.id, status: 'received' });
      const link = await eventually(
        () => api.get(path),
        ({ status }) => status !== 202,
      );
      const location = link.headers.get('Location') ?? '';
      const sizeAt = async (url: string) => {
        const { width, height } = await sharp((await shownAt(url)).bytes).metadata();
        return { width, height };
      };
      expect([link.status, await sizeAt(location)]).toEqual([302, { width: 100, height: 133 }]);
      expect(new URL(location).pathname).not.toBe(new URL(visited.url).pathname);

      // By an upload of the same bytes.
      const again = await shownReplyOf(await api.upload(uploadedAgain), 202);
      expect(again).toMatchObject({ id: before.id, status: 'received' });
      expect(await settled(api, before.id)).toMatchObject({
        status: 'ready',
        thumbnails: { thumbnail: { width: 100, height: 133 }, square: { width: 96, height: 96 } },
      });
      expect(await sizeAt(again.url)).toEqual({ width: 100, height: 133 });

      // Existing thumbnails are not made again, and earlier URLs show the same as before.
      expect(await Promise.all([visited.id, before.id].map(squareOf))).toEqual(squares);
      expect(await sizeAt(visited.url)).toEqual({ width: 240, height: 320 });
      expect(await main.logLines('ResizeFunction', visited.id)).toHaveLength(2);
      expect(await main.logLines('ResizeFunction', before.id)).toHaveLength(2);
    },
  );
};
