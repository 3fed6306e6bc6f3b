import { imageIdOf } from '../../../lambdas/image/id.ts';
import { corruptJpeg } from '../../images.ts';
import { eventually, expectProblem, replyOf, settled, shownAt, uploadAndWait } from '../api.ts';
import { check, type Deployment } from '../deployment.ts';
import { coloursOf, smallPhoto } from '../photo.ts';

/** Waits until a recipient has this many mails, and no more. */
const mailsTo = async ({ emulator, account, main }: Deployment, address: string, count: number) => {
  await eventually(
    () => emulator.mailsTo(address),
    (mails) => mails.length >= count,
  );
  await account.drained(main.outputs.NotifyQueueUrl ?? '');
  const mails = await emulator.mailsTo(address);
  expect(mails).toHaveLength(count);
  return mails;
};

export const checkMail = (): void => {
  check(
    'reaches the recipient when the thumbnail is ready, with a link that shows it',
    async (deployment) => {
      const { main, emulator } = deployment;
      const photo = await smallPhoto(51);
      const address = 'ready@example.com';
      const { id } = await replyOf(await main.api.upload(photo, { 'X-Notify-Email': address }), 202);
      const [mail] = await mailsTo(deployment, address, 1);
      expect(mail).toMatchObject({ Source: 'thumbnails@example.com', To: [address], CC: [], BCC: [] });
      const [link = ''] = mail?.BodyText.match(/https:\S+\/thumbnails\/[0-9a-f]{64}/) ?? [];
      expect(link).toMatch(new RegExp(`/dev/thumbnails/${id}$`));
      expect(mail?.BodyHtml).toContain(link);
      const shown = await fetch(emulator.urlOf(link), { redirect: 'manual' });
      expect(shown.status).toBe(302);
      const { bytes } = await shownAt(shown.headers.get('Location') ?? '');
      expect(await coloursOf(bytes)).toEqual(['red', 'green', 'blue', 'white']);
    },
  );

  check('is sent once for each upload, also of a known image', async (deployment) => {
    const { main } = deployment;
    const photo = await smallPhoto(52);
    await uploadAndWait(main.api, photo);
    const address = 'again@example.com';
    await replyOf(await main.api.upload(photo, { 'X-Notify-Email': address }), 200);
    await mailsTo(deployment, address, 1);
    await replyOf(await main.api.upload(photo, { 'X-Notify-Email': address }), 200);
    await mailsTo(deployment, address, 2);
  });

  check('is sent once for each event, even if that is delivered twice', async (deployment) => {
    const { account, main } = deployment;
    const address = 'once@example.com';
    const photo = await smallPhoto(53);
    const ready = await account.listenTo(main.outputs.ImageEventsTopicArn, async (heard) => {
      await main.api.upload(photo, { 'X-Notify-Email': address });
      await mailsTo(deployment, address, 1);
      return (await heard()).find((body) => body.includes('image.ready')) ?? '';
    });
    expect(ready).toContain(imageIdOf(photo));
    for (let times = 0; times < 3; times += 1) await account.send(main.outputs.NotifyQueueUrl ?? '', ready);
    await mailsTo(deployment, address, 1);
  });

  check('gives the reason if there will be no thumbnail', async (deployment) => {
    const { main } = deployment;
    const broken = Buffer.concat([corruptJpeg(), Buffer.from('of the mail')]);
    const address = 'broken@example.com';
    const { id } = await replyOf(await main.api.upload(broken, { 'X-Notify-Email': address }), 202);
    await settled(main.api, id);
    const [mail] = await mailsTo(deployment, address, 1);
    expect(mail?.BodyText).toContain('image-corrupt');
  });

  check(
    'is refused, and the image not stored, if the recipient is not allowed or mail is off',
    async (deployment) => {
      const { account, main, second } = deployment;
      const photo = await smallPhoto(54);
      const upload = (api: typeof main.api, address: string) =>
        api.upload(photo, { 'X-Notify-Email': address });
      const field = 'X-Notify-Email';
      await expectProblem(await upload(main.api, 'you@elsewhere.example'), {
        status: 403,
        code: 'recipient-not-allowed',
        field,
      });
      await expectProblem(await upload(main.api, 'nobody'), { status: 400, code: 'invalid-address', field });
      await expectProblem(await upload(second.api, 'me@example.com'), {
        status: 400,
        code: 'email-disabled',
        field,
      });
      for (const { outputs } of [main, second]) {
        expect(await account.object(outputs.RawBucketName, `raw/${imageIdOf(photo)}`)).toBeUndefined();
        expect(await account.item(outputs.CatalogTableName, imageIdOf(photo))).toBeUndefined();
      }
    },
  );

  check('is not sent without the permission to send it', async (deployment) => {
    const { emulator, iam, main } = deployment;
    const address = 'late@example.com';
    await iam.without('ThumbnailGenerator', 'NotifyFunctionRole', 'ses:SendEmail', async () => {
      await main.api.upload(await smallPhoto(56), { 'X-Notify-Email': address });
      const lines = await eventually(
        async () =>
          (await emulator.logLines('ThumbnailGenerator', 'NotifyFunction')).filter((line) =>
            line.includes('not authorized to perform: ses:SendEmail'),
          ),
        (refusals) => refusals.length > 0,
      );
      expect(lines).not.toEqual([]);
      expect(await emulator.mailsTo(address)).toEqual([]);
    });
  });
};
