import { eventually, replyOf, settled } from '../api.ts';
import { check } from '../deployment.ts';
import { smallPhoto } from '../photo.ts';

/** Dead letters, and the command that redrives them. */
export const checkDeadLetters = (): void => {
  check('are kept until the cause is fixed, counted, and then processed', async (deployment) => {
    const { account, cdk, iam, second } = deployment;
    const { ResizeQueueUrl, ResizeDeadLetterQueueUrl } = second.outputs;
    // The metric of the alarm is this number; the emulator has no metrics.
    const deadLetters = () => account.messagesIn(ResizeDeadLetterQueueUrl);
    // Shorter than the visibility timeout of twelve minutes.
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
