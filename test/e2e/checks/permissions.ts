import * as z from 'zod';
import { imageIdOf } from '../../../lambdas/image/id.ts';
import { eventually, replyOf, settled, shownAt, uploadAndWait } from '../api.ts';
import { check, type Deployment } from '../deployment.ts';
import { smallPhoto } from '../photo.ts';

const errorSchema = z.object({ error: z.object({ message: z.string() }) });

/** Waits until a function of the second stack has logged a refused action, and prints the line. */
const expectRefusal = async (
  { emulator }: Deployment,
  functionId: 'IngestFunction' | 'ResizeFunction',
  action: string,
): Promise<void> => {
  const [line] = await eventually(
    async () =>
      (await emulator.logLines('Second', functionId)).filter((logged) =>
        logged.includes(`not authorized to perform: ${action}`),
      ),
    (lines) => lines.length > 0,
  );
  if (line === undefined) throw new Error(`${functionId} logged no refusal of ${action}`);
  const { error } = errorSchema.parse(JSON.parse(line));
  process.stdout.write(`Without ${action} in its role, ${functionId} logs: ${error.message}\n`);
};

/**
 * What the policies of IAM allow and refuse. The emulator does not check what AWS does for a function:
 * polling the queue and writing the log need no permission there.
 */
export const checkPermissions = (): void => {
  check('shows no bucket to a stranger', async ({ emulator, main, photo }) => {
    const { RawBucketName, ThumbnailBucketName } = main.outputs;
    const { url } = await uploadAndWait(main.api, photo);
    const thumbnail = new URL(url);
    thumbnail.search = '';
    const original = `${emulator.endpoint}/${RawBucketName}/raw/${imageIdOf(photo)}`;
    for (const unsigned of [
      original,
      thumbnail.href,
      `${emulator.endpoint}/${RawBucketName}?list-type=2`,
      `${emulator.endpoint}/${ThumbnailBucketName}?list-type=2`,
    ]) {
      const response = await fetch(unsigned);
      expect([unsigned, response.status, await response.text()]).toEqual([
        unsigned,
        403,
        expect.stringContaining('AccessDenied'),
      ]);
    }
  });

  check('accepts no upload whose original it may not store', async (deployment) => {
    const { iam, second } = deployment;
    const photo = await smallPhoto(70);
    await iam.without('Second', 'IngestFunctionRole', 's3:PutObject', async () => {
      expect((await second.api.upload(photo)).status).toBe(500);
      await expectRefusal(deployment, 'IngestFunction', 's3:PutObject');
    });
    await uploadAndWait(second.api, photo);
  });

  check('finishes no image whose thumbnails it may not store', async (deployment) => {
    const { iam, second } = deployment;
    await iam.without('Second', 'ResizeFunctionRole', 's3:PutObject', async () => {
      const { id } = await replyOf(await second.api.upload(await smallPhoto(71)), 202);
      await expectRefusal(deployment, 'ResizeFunction', 's3:PutObject');
      expect(await replyOf(await second.api.get(`/images/${id}`), 200)).toMatchObject({ status: 'received' });
    });
    await uploadAndWait(second.api, await smallPhoto(72));
  });

  check('opens no URL whose signer may not read thumbnails', async ({ iam, second }) => {
    const { url } = await uploadAndWait(second.api, await smallPhoto(73));
    await iam.without('Second', 'IngestUrlSigner', 's3:GetObject', async () => {
      const response = await fetch(url);
      expect([response.status, await response.text()]).toEqual([
        403,
        expect.stringContaining('AccessDenied'),
      ]);
    });
    await shownAt(url);
  });

  check('accepts no announced upload whose signer may not store originals', async ({ iam, second }) => {
    const image = await smallPhoto(75);
    const id = imageIdOf(image);
    const { upload } = await replyOf(await second.api.announce({ sha256: id, bytes: image.length }), 201);
    if (upload === undefined) throw new Error('No presigned upload');
    const { url, method, headers } = upload;
    const put = () => fetch(url, { method, headers, body: new Uint8Array(image) });
    await iam.without('Second', 'IngestUrlSigner', 's3:PutObject', async () => {
      const response = await put();
      expect([response.status, await response.text()]).toEqual([
        403,
        expect.stringContaining('AccessDenied'),
      ]);
    });
    expect((await put()).status).toBe(200);
    expect(await settled(second.api, id)).toMatchObject({ status: 'ready' });
  });
};
