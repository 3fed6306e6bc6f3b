import { eventually, replyOf, settled } from '../api.ts';
import { check } from '../deployment.ts';
import { smallPhoto } from '../photo.ts';

/** What failed too often, and the command that brings it back. */
export const checkDeadLetters = (): void => {
  check('is kept until the cause is mended, counted, and brought back to a good end', async (deployment) => {
    const { account, cdk, iam, second } = deployment;
    const { ResizeQueueUrl, ResizeDeadLetterQueueUrl } = second.outputs;
    // The alarm's metric is the number of these messages; the emulator makes no metrics.
    const deadLetters = () => account.messagesIn(ResizeDeadLetterQueueUrl);
    // Not the twelve minutes that an image may take.
    await account.hideFor(ResizeQueueUrl, 1);
    const { id } = await iam.without('Second', 'ResizeFunctionRole', 's3:PutObject', async () => {
      const reply = await replyOf(await second.api.upload(await smallPhoto(57)), 202);
      expect(await eventually(deadLetters, (count) => count > 0)).toBe(1);
      return reply;
    });
    expect(await replyOf(await second.api.get(`/images/${id}`), 200)).toMatchObject({ status: 'received' });

    expect(await cdk.redrive('--stack', 'Second', '--dry-run')).toMatch(/\b1\b/);
    expect(await deadLetters()).toBe(1);
    await cdk.redrive('--stack', 'Second');
    expect(await settled(second.api, id)).toMatchObject({ status: 'ready' });
    expect(await deadLetters()).toBe(0);
    await account.hideFor(ResizeQueueUrl, 720);
  });
};
